"""Writes ``docs/tutorial.ipynb`` from ``docs/tutorial.md``: prose and code by turns, pictures those of the page.

make notebook
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

DOCS = Path(__file__).resolve().parents[1] / "docs"
PAGE, NOTEBOOK = DOCS / "tutorial.md", DOCS / "tutorial.ipynb"


def notebook(page: str) -> dict[str, Any]:
    """The page as a notebook of format 4.5, without outputs.

    Args:
        page: Markdown with fenced blocks of Python.
    """
    cells = []
    for number, part in enumerate(re.split(r"^```python\n(.*?)^```\n", page, flags=re.DOTALL | re.MULTILINE)):
        if text := part.strip("\n"):
            kind = "code" if number % 2 else "markdown"
            own = {"execution_count": None, "outputs": []} if kind == "code" else {}
            cell = {"cell_type": kind, "id": f"cell-{len(cells)}", "metadata": {}, "source": text.splitlines(True)}
            cells.append(cell | own)
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    metadata = {"kernelspec": kernel, "language_info": {"name": "python"}}
    return {"cells": cells, "metadata": metadata, "nbformat": 4, "nbformat_minor": 5}


def text_of(page: str) -> str:
    """The file of the notebook."""
    return json.dumps(notebook(page), indent=1, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    NOTEBOOK.write_text(text_of(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
