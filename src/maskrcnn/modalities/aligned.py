"""Files that lie alike, sample on sample: which wing they are of, and what it can do with them."""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Sequence
from pathlib import Path
from typing import cast

from maskrcnn.association.fields import AlignedFiles
from maskrcnn.checks import few
from maskrcnn.errors import UsageError
from maskrcnn.files import is_folder
from maskrcnn.modalities.table import wings
from maskrcnn.modalities.wing import Wing

IMAGES = "images"  # where labelled data keep their files


def find_aligned(inputs: Sequence[Path], exclude: Path, table: Path) -> tuple[Wing, list[Path]]:
    """The files that ``inputs`` name, of the wing that most of them are of.

    Of a folder of labelled data, the files in its ``images`` are meant.

    Args:
        inputs: files and folders.
        exclude: a folder that is never read.
        table: of labels, which is no recording.

    Returns:
        The wing, and its files, each once.

    Raises:
        UsageError: there is none.
    """
    named = [path / IMAGES if is_folder(path / IMAGES) else path for path in inputs]
    found: dict[str, tuple[Wing, list[Path]]] = {}
    for wing in wings():
        own = [path for path in wing.doors().find_own(named, exclude) if path != table]
        if own:
            found[wing.noun] = (wing, list(dict.fromkeys(own)))
    if not found:
        nouns = ", ".join(wing.nouns for wing in wings())
        raise UsageError(f"There is nothing to look at in {few([str(path) for path in inputs])}: no {nouns}.")
    return max(found.values(), key=lambda pair: len(pair[1]))


def aligned_files(wing: Wing) -> AlignedFiles:
    """What a wing has in ``aligned/files.py``.

    Raises:
        UsageError: it has none.
    """
    name = f"{wing.package}.aligned"
    if importlib.util.find_spec(name) is None:
        raise UsageError(f"associate does not know {wing.nouns}.")
    return cast(AlignedFiles, importlib.import_module(f"{name}.files"))
