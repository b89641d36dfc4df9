"""Public functions say what they take and give: Args and Returns where there are three parameters
or more, and at most seven parameters. A method without a docstring that overrides another of the
package has that one's, and a docstring may refer to that of a method ("as :meth:`Doors.predict` says")."""

from __future__ import annotations

import ast
import re
import textwrap
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parents[1] / "src" / "maskrcnn"
REFERENCE = re.compile(r"\bas\s+:meth:`(?P<class>\w+)\.(?P<method>\w+)`\s+says")
FEWEST, MOST = 3, 7  # parameters: from here on they are explained, and no more than this
LONGER = {
    "drawing/overlay.py draw",  # public, and all but the first three are optional and named
    "training/fit.py fit",  # public: the core of a training, and what a caller may want of it
    "ops/roi_align.py roi_align",  # torchvision's own arguments, and those of levels
}

Function = ast.FunctionDef | ast.AsyncFunctionDef


def public_functions(tree: ast.Module | ast.ClassDef) -> Iterator[tuple[Function, list[str]]]:
    """Each public function and method, with the names of its parameters."""
    for node in tree.body:
        if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
            yield from public_functions(node)
        elif isinstance(node, Function) and not node.name.startswith("_"):
            names = [parameter.arg for parameter in (*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs)]
            yield node, [name for name in names if name not in ("self", "cls")]


class Classes:
    """The classes of some files by name: what they derive from, and their methods."""

    def __init__(self, texts: Iterable[str]) -> None:
        nodes = [node for text in texts for node in ast.walk(ast.parse(text)) if isinstance(node, ast.ClassDef)]
        self.bases = {node.name: [ast.unparse(base).split(".")[-1] for base in node.bases] for node in nodes}
        self.methods = {
            node.name: {method.name: method for method in node.body if isinstance(method, Function)} for node in nodes
        }

    def inherited(self, name: str, method: str) -> Function | None:
        """The method with a docstring that ``method`` of the class ``name`` overrides."""
        for base in self.bases.get(name, []):
            own = self.methods.get(base, {}).get(method)
            found = own if own is not None and ast.get_docstring(own) else self.inherited(base, method)
            if found is not None:
                return found
        return None

    def referred(self, node: Function) -> Function:
        """The method that a docstring refers to as ":meth:`Class.method` says"; without one the function itself."""
        found = REFERENCE.search(ast.get_docstring(node) or "")
        return self.methods.get(found["class"], {}).get(found["method"], node) if found else node

    def inheriting(self, text: str) -> set[int]:
        """Lines of the methods of a file that have their docstring from a base."""
        classes = [node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.ClassDef)]
        return {
            method.lineno
            for node in classes
            for method in node.body
            if isinstance(method, Function)
            and ast.get_docstring(method) is None
            and self.inherited(node.name, method.name) is not None
        }


def is_explained(node: Function) -> bool:
    """Whether the docstring has Args, and Returns or Yields where anything comes back."""
    text = ast.get_docstring(node) or ""
    gives_nothing = node.returns is not None and ast.unparse(node.returns) == "None"
    return "Args:" in text and (gives_nothing or "Returns:" in text or "Yields:" in text)


def unexplained(name: str, text: str, classes: Classes | None = None) -> list[str]:
    """Functions of a file that have three parameters or more and do not say what they take and give.
    Methods may have their docstring from one of ``classes``, by default the file's and the package's."""
    classes = classes or Classes([*(text for _, text in files()), text])
    inheriting = classes.inheriting(text)
    return [
        f"{name}:{f.lineno} {f.name}"
        for f, names in public_functions(ast.parse(text))
        if len(names) >= FEWEST and f.lineno not in inheriting and not is_explained(classes.referred(f))
    ]


def too_long(name: str, text: str) -> list[str]:
    """Functions of a file that take more than seven parameters."""
    return [f"{name} {f.name}" for f, names in public_functions(ast.parse(text)) if len(names) > MOST]


def files() -> Iterator[tuple[str, str]]:
    for path in sorted(PACKAGE.rglob("*.py")):
        yield path.relative_to(PACKAGE).as_posix(), path.read_text(encoding="utf-8")


def test_every_function_is_explained():
    classes = Classes(text for _, text in files())
    missing = [line for name, text in files() for line in unexplained(name, text, classes)]
    assert not missing, "\n".join(missing)


def test_no_function_takes_more_than_seven_parameters():
    long = {line for name, text in files() for line in too_long(name, text)}
    assert not long - LONGER, long - LONGER
    assert not LONGER - long, "shortened: take it out of the list"


EXPLAINED = '''
def crop(image: int, low: int, high: int) -> int:
    """Crop.

    Args:
        image: a.
        low: b.
        high: c.

    Returns:
        d.
    """
'''


INHERITED = "class C:\n" + textwrap.indent(EXPLAINED, "    ")
INHERITED += "\nclass D(C):\n    def crop(self, a, b, c): ...\n"


@pytest.mark.parametrize(
    "text, count",
    [
        (EXPLAINED, 0),
        (EXPLAINED.replace("-> int", "-> None").replace("Returns", "Hands"), 0),
        (EXPLAINED.replace("Returns", "Yields"), 0),
        (EXPLAINED.replace("Returns", "Hands"), 1),
        (EXPLAINED.replace("Args", "Takes"), 1),
        (EXPLAINED.replace("crop", "_crop").replace("Args", "Takes"), 0),
        ("def f(a, b): ...", 0),
        ("def f(a, b, *, c=1): ...", 1),
        ("class C:\n    def f(self, a, b): ...\n    def g(self, a, b, c): ...", 1),
        ("class C(Unknown):\n    def g(self, a, b, c): ...", 1),
        (INHERITED, 0),
        (INHERITED.replace("class D", "class E(C): ...\nclass D").replace("D(C)", "D(E)"), 0),
        (INHERITED.replace("D(C)", "D"), 1),
        (INHERITED.replace(": ...", ':\n        """Without Args."""'), 1),
    ],
)
def test_a_planted_function_is_judged_right(text, count):
    assert len(unexplained("planted.py", text)) == count


def test_a_planted_function_that_is_too_long_is_found():
    assert too_long("planted.py", "def f(a, b, c, d, e, f, g, h): ...") == ["planted.py f"]
    assert too_long("planted.py", "def f(a, b, c, d, e, f, g): ...") == []


def test_a_docstring_may_refer_to_that_of_a_method():
    text = 'def predict(a, b, c, d):\n    """So and so, as :meth:`Doors.predict` says."""\n'
    assert unexplained("planted.py", text) == []
    assert unexplained("planted.py", text.replace("Doors.predict", "Doors.nothing")) == ["planted.py:1 predict"]
    assert unexplained("planted.py", text.replace("as :", ":")) == ["planted.py:1 predict"]
