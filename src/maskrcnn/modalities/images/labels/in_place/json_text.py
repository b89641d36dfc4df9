"""Json that is written as the file was that it takes the place of."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class JsonStyle:
    """How a json file is laid out.

    Attributes:
        indent: of its lines; None of one line.
        is_tight: whether no space stands behind commas and colons.
        is_escaped: whether letters outside ASCII are written as numbers.
        end: what stands behind the last brace.
    """

    indent: int | str | None = None
    is_tight: bool = False
    is_escaped: bool = False
    end: str = ""

    @staticmethod
    def of(text: str) -> JsonStyle:
        """The style of a text."""
        found = re.match(r"\s*[{\[]\r?\n([ \t]+)", text[:200])
        is_tight = re.search(r'"\s*:\S', text[:2000]) is not None
        is_escaped = text.isascii() and re.search(r"\\u[0-9a-fA-F]{4}", text) is not None
        indent = None if found is None else found[1] if "\t" in found[1] else len(found[1])
        return JsonStyle(indent, is_tight, is_escaped, text[len(text.rstrip()) :])

    def text_of(self, content: Any) -> str:
        """The content in this style."""
        between = "," if self.is_tight or self.indent is not None else ", "
        separators = (between, ":" if self.is_tight else ": ")
        text = json.dumps(content, ensure_ascii=self.is_escaped, indent=self.indent, separators=separators)
        return text + self.end
