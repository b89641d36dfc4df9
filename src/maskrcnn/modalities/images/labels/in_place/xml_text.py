"""XML of which some elements are changed in place: all else stays as it is, to the byte."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from xml.etree import ElementTree
from xml.parsers import expat

from maskrcnn.errors import DataError
from maskrcnn.modalities.images.labels.xml_files import read_xml

OPENING = re.compile(rb"<(?:[^>\"']|\"[^\"]*\"|'[^']*')*>")
DECLARED = re.compile(rb"^\s*<\?xml[^>]*encoding\s*=\s*[\"']([\w.-]+)")
SPACE_BEFORE = re.compile(rb"\s*\Z")
INDENT = "\n  "
Edit = tuple[int, int, bytes]  # where it begins and ends, and what stands there from now on


@dataclass
class Piece:
    """An element where it stands in its file.

    Attributes:
        tag: of the element.
        attributes: of the element.
        start: its first byte.
        closing: where its closing tag begins; where it ends, if it has none.
        end: the byte behind it.
        children: in order.
    """

    tag: str
    attributes: dict[str, str]
    start: int
    closing: int = 0
    end: int = 0
    children: list[Piece] = field(default_factory=list)


@dataclass(frozen=True)
class XmlText:
    """A file of XML, as bytes and as the elements in it.

    Attributes:
        content: of the file.
        root: with all below it.
        encoding: in which elements are written that hold what others of the file do not.
    """

    content: bytes
    root: Piece
    encoding: str

    def text(self, piece: Piece) -> str:
        """What stands in the file of an element."""
        return self.content[piece.start : piece.end].decode(self.encoding, "xmlcharrefreplace")

    def edited(self, edits: Iterable[Edit]) -> bytes:
        """The content with these places changed, of which no two overlap."""
        content = self.content
        for start, end, now in sorted(edits, reverse=True):
            content = content[:start] + now + content[end:]
        return content

    def encoded(self, text: str) -> bytes:
        """A text as it stands in the file."""
        return text.encode(self.encoding, "xmlcharrefreplace")

    def replaced(self, parent: Piece, old: Sequence[Piece], texts: Sequence[str]) -> list[Edit]:
        """Put other elements in the places of some.

        Args:
            parent: of all of them.
            old: those that are there, in order.
            texts: those that are there from now on. What is too many goes with the space before it; what is too few
                comes behind the last, with the same space before it.

        Returns:
            The edits.
        """
        edits: list[Edit] = []
        for piece, text in zip(old, texts):
            if self.text(piece) != text:
                edits.append((piece.start, piece.end, self.encoded(text)))
        edits += [(piece.start - len(self._space(piece.start)), piece.end, b"") for piece in old[len(texts) :]]
        new = texts[len(old) :]
        if not new:
            return edits
        between = self.indent(parent)
        added = self.encoded("".join(between + text for text in new))
        last = old[-1] if old else parent.children[-1] if parent.children else None
        if last is not None:
            return [*edits, (last.end, last.end, added)]
        above = self._space(parent.start) or b"\n"
        if parent.closing < parent.end:
            return [*edits, (parent.closing - len(self._space(parent.closing)), parent.closing, added + above)]
        slash = self.content.rindex(b"/", parent.start, parent.end)
        closing = self.encoded(f"</{parent.tag}>")
        return [*edits, (slash - len(self._space(slash)), parent.end, b">" + added + above + closing)]

    def indent(self, parent: Piece) -> str:
        """The line break and the space that stand before an element's children."""
        if parent.children:
            return self._space(parent.children[-1].start).decode("ascii", "ignore")
        above = self._space(parent.start).decode("ascii", "ignore")
        return (above or "\n") + ("\t" if "\t" in above else "  ")

    def _space(self, end: int) -> bytes:
        found = SPACE_BEFORE.search(self.content[max(0, end - 200) : end])
        return b"" if found is None else found[0]


def read_xml_text(path: Path) -> XmlText:
    """The file with the places of its elements. Raises DataError where it is no whole XML, or of two bytes a letter."""
    read_xml(path)  # refuses what no file of labels has
    content = path.read_bytes()
    if b"\0" in content[:100]:
        raise DataError(f"{path} is in UTF-16, in which it cannot be edited here: save it as UTF-8.")
    declared = DECLARED.match(content.removeprefix(b"\xef\xbb\xbf"))
    parser = expat.ParserCreate()
    root: list[Piece] = []
    open_ones: list[Piece] = []

    def begin(tag: str, attributes: dict[str, str]) -> None:
        piece = Piece(tag, attributes, parser.CurrentByteIndex)
        (open_ones[-1].children if open_ones else root).append(piece)
        open_ones.append(piece)

    def finish(_: Any) -> None:
        piece = open_ones.pop()
        opening = OPENING.match(content, piece.start)
        assert opening is not None
        if opening[0].endswith(b"/>"):
            piece.closing = piece.end = opening.end()
        else:
            piece.closing = parser.CurrentByteIndex
            piece.end = content.index(b">", piece.closing) + 1

    parser.StartElementHandler, parser.EndElementHandler = begin, finish
    parser.Parse(content, True)
    return XmlText(content, root[0], declared[1].decode("ascii") if declared else "utf-8")


def element_of(text: str) -> ElementTree.Element:
    """An element with its comments. Raises ValueError where the text is none."""
    try:
        return ElementTree.fromstring(text, ElementTree.XMLParser(target=ElementTree.TreeBuilder(insert_comments=True)))  # noqa: S314 - the file was read before
    except ElementTree.ParseError as error:
        raise ValueError(str(error)) from None


def text_of(element: ElementTree.Element) -> str:
    """An element as text."""
    element.tail = None
    return ElementTree.tostring(element, encoding="unicode")
