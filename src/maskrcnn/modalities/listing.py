"""Formats are found by listing folders: ``formats/NAME/about.py`` says what NAME is without loading what reads it."""

from __future__ import annotations

import importlib
import importlib.util
import pkgutil
from dataclasses import dataclass, replace
from functools import cache
from typing import Any, TypeVar


@dataclass(frozen=True, kw_only=True)
class Format:
    """What is said of every format.

    Attributes:
        name: as its users say it.
        short: the same in a word or two, for lists.
        order: formats with a lower number are asked first whether a file is theirs.
        package: the dotted name of its folder, known when it was found.
    """

    name: str
    short: str
    order: int
    package: str = ""

    def load(self, module: str, function: str) -> Any:
        """A function of one of the modules in its folder, which is imported now."""
        return getattr(importlib.import_module(f"{self.package}.{module}"), function)

    def has(self, module: str) -> bool:
        """Whether there is such a module in its folder."""
        return importlib.util.find_spec(f"{self.package}.{module}") is not None


OwnFormat = TypeVar("OwnFormat", bound=Format)


@cache
def list_formats(package: str, record: type[OwnFormat]) -> tuple[OwnFormat, ...]:
    """The formats in the folder of ``package``, in the order in which they are asked.

    Args:
        package: its dotted name, such as ``maskrcnn.modalities.images.formats``.
        record: what each ``about.py`` calls ``FORMAT``.
    """
    found = []
    for entry in pkgutil.iter_modules(importlib.import_module(package).__path__):
        about = importlib.import_module(f"{package}.{entry.name}.about")
        assert isinstance(about.FORMAT, record)
        found.append(replace(about.FORMAT, package=f"{package}.{entry.name}"))
    return tuple(sorted(found, key=lambda known: (known.order, known.name)))
