"""docs/expectations.md: twenty rows, and each that says it is met names a test that stands."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PAGE = (ROOT / "docs" / "expectations.md").read_text(encoding="utf-8")
ROWS = [[cell.strip() for cell in line.split("|")[1:-1]] for line in PAGE.splitlines() if re.match(r"\| \d", line)]


def test_there_are_twenty_in_order():
    assert [row[0] for row in ROWS] == [str(number) for number in range(1, 21)]
    assert {row[3] for row in ROWS} <= {"met", "open"}


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0])
def test_what_is_met_names_a_test_and_what_is_open_none(row):
    named = re.findall(r"`(tests/[\w/]+\.py)::(test_\w+)`", row[4])
    assert bool(named) == (row[3] == "met")
    for path, name in named:
        functions = ast.walk(ast.parse((ROOT / path).read_text(encoding="utf-8")))
        assert name in {node.name for node in functions if isinstance(node, ast.FunctionDef)}, f"{path}::{name}"
