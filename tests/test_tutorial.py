"""The tutorial runs as it is printed, as a page and as a notebook, with a training of an epoch instead of minutes."""

import importlib.util
import json
import re

import pytest

from documents import ROOT, python_blocks, read_document

PAGE, NOTEBOOK = "docs/tutorial.md", "docs/tutorial.ipynb"
LONG, SHORT = 'time="15m"', 'plan="off", epochs=1, batch=4, workers=0, image_size=128'


def notebook_of(page):
    spec = importlib.util.spec_from_file_location("make_notebook", ROOT / "tools" / "make_notebook.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.text_of(page)


def test_the_notebook_is_that_of_the_page():
    assert read_document(NOTEBOOK) == notebook_of(read_document(PAGE)), "stale: make notebook"


def test_the_pictures_and_pages_that_it_links_are_there():
    links = re.findall(r"\]\(([^)#:]+)\)", read_document(PAGE))
    assert len(links) > 5 and all((ROOT / "docs" / link).is_file() for link in links)


def test_the_notebook_runs(tmp_path):
    nbformat = pytest.importorskip("nbformat", reason="nbclient is not installed: pip install nbclient ipykernel")
    nbclient = pytest.importorskip("nbclient", reason="nbclient is not installed: pip install nbclient ipykernel")
    pytest.importorskip("ipykernel", reason="ipykernel is not installed: pip install ipykernel")
    text = read_document(NOTEBOOK)
    assert text.count(json.dumps(LONG)[1:-1]) == 1
    book = nbformat.reads(text.replace(json.dumps(LONG)[1:-1], json.dumps(SHORT)[1:-1]), as_version=4)
    nbformat.validate(book)
    client = nbclient.NotebookClient(book, timeout=900, kernel_name="python3")
    client.execute(cwd=str(tmp_path))
    code = [cell for cell in book.cells if cell.cell_type == "code"]
    assert len(code) == len(python_blocks(PAGE)) and (tmp_path / "runs/photos/best.safetensors").is_file()
    assert (tmp_path / "found.png").is_file()
    shown = [output["data"] for cell in code for output in cell.outputs if "data" in output]
    assert any("image/png" in one and "text/html" in one for one in shown)  # Found shows itself
    assert any("1 object: 1 " in one.get("text/plain", "") for one in shown)
