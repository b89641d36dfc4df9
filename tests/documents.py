"""Code and commands in the project's documents, taken out of them to be run."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def read_document(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def python_blocks(name: str, heading: str = "") -> list[str]:
    """The fenced Python of a document, or of the section under one heading, in order."""
    text = read_document(name)
    if heading:
        text = re.split(rf"^#+ {re.escape(heading)}$", text, flags=re.MULTILINE)[1]
        text = re.split(r"^## ", text, flags=re.MULTILINE)[0]
    return re.findall(r"^```python\n(.*?)^```", text, flags=re.DOTALL | re.MULTILINE)


def shell_lines(name: str) -> list[str]:
    """The commands of a document's indented blocks, without their comments; ``a && b`` is two."""
    indented = re.findall(r"^ {4}(?! )(.*)$", re.sub(r"```.*?```", "", read_document(name), flags=re.DOTALL), re.M)
    commands = (part for line in indented for part in line.partition("#")[0].split("&&"))
    return [" ".join(command.split()) for command in commands if command.strip()]


def inline_code(name: str) -> list[str]:
    """What stands between single backquotes."""
    return re.findall(r"(?<!`)`([^`\n]+)`(?!`)", re.sub(r"```.*?```", "", read_document(name), flags=re.DOTALL))


def make_targets() -> set[str]:
    """The targets of the Makefile by name."""
    lines = re.sub(r"\\\n", " ", read_document("Makefile")).splitlines()
    heads = (line.partition(":")[0] for line in lines if re.match(r"[\w./].*:(?!=)", line) and ":=" not in line)
    return {word for head in heads for word in head.split()} - {"&", ".PHONY"}
