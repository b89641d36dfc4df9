"""docs/api.md is what the docstrings say."""

import importlib.util

import maskrcnn
from documents import ROOT, read_document


def load_tool():
    spec = importlib.util.spec_from_file_location("make_api", ROOT / "tools" / "make_api.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_page_is_not_stale():
    assert read_document("docs/api.md") == load_tool().page(), "stale: make api"


def test_every_public_name_stands_on_it_once():
    lines = read_document("docs/api.md").splitlines()
    assert sorted(line[4:] for line in lines if line.startswith("### ")) == sorted(maskrcnn.__all__)


def test_no_address_of_memory_and_no_path_of_a_machine_is_on_it():
    page = read_document("docs/api.md")
    assert " at 0x" not in page and str(ROOT) not in page


def test_a_docstring_becomes_markdown():
    text = (
        "Does it.\n\nArgs:\n    path: of ``a`` file,\n        or :class:`maskrcnn.Model`.\n\nReturns:\n    All of it."
    )
    expected = [
        "Does it.",
        "",
        "**Args**",
        "",
        "- `path`: of `a` file,",
        "  or `Model`.",
        "",
        "**Returns**",
        "",
        "All of it.",
    ]
    assert list(load_tool()._prose(text)) == expected
