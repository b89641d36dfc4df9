"""All wings and all kinds of files, found by listing the folders of this one."""

from __future__ import annotations

import importlib
import pkgutil
from dataclasses import replace
from functools import cache

from maskrcnn.modalities.wing import Kind, Wing

FOLDER = "maskrcnn.modalities"


@cache
def wings() -> tuple[Wing, ...]:
    """All that there are, in the order in which they are asked."""
    found = []
    for entry in pkgutil.iter_modules(importlib.import_module(FOLDER).__path__):
        if entry.ispkg:
            wing: Wing = importlib.import_module(f"{FOLDER}.{entry.name}.about").WING
            found.append(replace(wing, package=f"{FOLDER}.{entry.name}"))
    return tuple(sorted(found, key=lambda wing: wing.order))


def kinds() -> dict[str, Kind]:
    """All kinds of files, by the names that data sets and checkpoints have for them."""
    return {kind.name: kind for wing in wings() for kind in wing.kinds}


def wing_of(kind: str) -> Wing:
    """The wing of a kind of files, by the name of the kind."""
    return next(wing for wing in wings() if any(own.name == kind for own in wing.kinds))
