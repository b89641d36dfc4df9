"""XML that is not trusted."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree

from maskrcnn.errors import DataError


class _NoDoctype(ElementTree.TreeBuilder):
    """Builds elements, and refuses a file that declares a document type before anything of it is read: entities, and
    with them files that grow without end or name other files, can be declared nowhere else."""

    def doctype(self, name: str, public: str | None, system: str | None) -> None:
        raise ValueError("it declares a document type, which files of labels do not have")


def read_xml(path: Path) -> ElementTree.Element:
    """The root element. Raises DataError where the file is no whole XML."""
    try:
        root = ElementTree.parse(path, ElementTree.XMLParser(target=_NoDoctype())).getroot()
    except (OSError, ValueError, LookupError, ElementTree.ParseError) as error:
        raise DataError(f"{path} is not complete xml ({error}) and was left out.") from error
    if root is None:
        raise DataError(f"{path} is empty xml and was left out.")
    return root
