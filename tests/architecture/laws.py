"""The package as the laws of the architecture see it: files with their text, rooms with their floors, and imports.

A law is a function from files to its violations, each of them a sentence. Each file of tests here has the laws of one
subject. Every law has a planted violation that it must find and an innocent line that it must not, so that a law that
has gone blind fails as well.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path

PACKAGE = Path(__file__).resolve().parents[2] / "src" / "maskrcnn"
PLAN = PACKAGE.parents[1] / "docs" / "architecture.md"


def read_floors(page: str) -> list[str]:
    """The rooms of each floor, lowest first, from the table in ``docs/architecture.md``. A file knows the floors below
    its own and its own room, nothing else."""
    table = page.split("## Floors")[1].split("\n## ")[0]
    cells = [line.split("|")[1] for line in table.splitlines() if line.startswith("| `")]
    return [" ".join(re.findall(r"`([\w/]+)`", cell)) for cell in cells]


FLOORS = read_floors(PLAN.read_text(encoding="utf-8"))
FLOOR = {name: floor for floor, names in enumerate(FLOORS) for name in names.split()}


@dataclass(frozen=True)
class File:
    """A file of the package: its path inside it, such as ``models/heads/box.py``, and its text."""

    name: str
    text: str

    @cached_property
    def nodes(self) -> list[ast.AST]:
        return list(ast.walk(ast.parse(self.text)))

    @property
    def module(self) -> str:
        return "maskrcnn." + self.name.removesuffix(".py").removesuffix("/__init__").replace("/", ".")

    @property
    def room(self) -> str:
        """What has a floor: see :func:`room_of`."""
        return room_of(self.name.removesuffix(".py"))

    def says(self, node: ast.AST, what: str) -> str:
        return f"{self.name}:{getattr(node, 'lineno', 1)} {what}"


Law = Callable[[list[File]], Iterator[str]]


def room_of(path: str) -> str:
    """The smallest folder around a file, or the file itself, that has a floor; else the folder at the top."""
    parts = path.split("/")
    around = ("/".join(parts[:k]) for k in range(len(parts), 0, -1))
    return next((room for room in around if room in FLOOR), parts[0])


@cache
def package_files() -> list[File]:
    return [
        File(path.relative_to(PACKAGE).as_posix(), path.read_text(encoding="utf-8"))
        for path in sorted(PACKAGE.rglob("*.py"))
    ]


def imports(file: File, modules: set[str]) -> Iterator[tuple[ast.AST, str]]:
    """Every imported module, absolute; ``from package import module`` counts as that module if ``modules`` has it."""
    parents = file.module.split(".") if file.name.endswith("__init__.py") else file.module.split(".")[:-1]
    for node in file.nodes:
        if isinstance(node, ast.Import):
            yield from ((node, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = parents[: len(parents) - node.level + 1] if node.level else []
            source = ".".join([*above, *([node.module] if node.module else [])])
            named = {f"{source}.{alias.name}" for alias in node.names}
            yield from ((node, module) for module in sorted(named & modules))
            if named - modules:
                yield node, source


def own_imports(files: list[File]) -> Iterator[tuple[File, ast.AST, str]]:
    """As :func:`imports`, those of the package itself."""
    modules = {file.module for file in files}
    for file in files:
        for node, module in imports(file, modules):
            if module.split(".")[0] == "maskrcnn":
                yield file, node, module


def mentions(files: list[File], words: str, where: Callable[[File], bool]) -> Iterator[str]:
    for file in filter(where, files):
        for number, line in enumerate(file.text.splitlines(), 1):
            if found := re.search(words, line, re.IGNORECASE):
                yield f"{file.name}:{number} says {found.group()}"


def by_folder(files: list[File]) -> dict[str, list[str]]:
    """The modules that lie in each folder itself, but for its ``__init__``."""
    found: dict[str, list[str]] = {}
    for file in files:
        folder, _, name = file.name.rpartition("/")
        if name != "__init__.py":
            found.setdefault(f"{folder}/" if folder else "", []).append(name.removesuffix(".py"))
    return found


# Planted files meet these: a package as small as the cases need.
OTHERS = [
    File("modalities/images/formats/coco/read.py", "from maskrcnn.modalities.images.read import pictures"),
    File("modalities/images/formats/coco/write.py", "import maskrcnn.modalities.images.formats.coco.read"),
    File("modalities/images/read/pictures.py", "from maskrcnn.structures import Record"),
    File("models/rpn.py", ""),
    File("models/heads/mask.py", ""),
    File("models/heads/box.py", ""),
    File("structures.py", ""),
    File("models/heads/mask_second.py", ""),
    *(File(f"twelve/room{k}.py", "") for k in range(1, 13)),
]


def judge(law: Law, name: str, text: str) -> list[str]:
    """The violations of the planted file."""
    planted = File(name, text)
    violations = law([planted, *(file for file in OTHERS if file.name != name)])
    return [violation for violation in violations if violation.startswith(name)]
