"""Lists of what is read, in words, for help and errors: they follow from what wings and formats say of themselves.

Of the documents the table of ``docs/formats.md`` and a line of ``README.md`` list formats of labelled images. These are
edited by hand, and tests compare them.
"""

from __future__ import annotations

from maskrcnn.checks import listed
from maskrcnn.modalities.images.labels.formats import label_formats
from maskrcnn.modalities.table import wings
from maskrcnn.modalities.wing import Wing


def list_label_formats() -> str:
    """The formats of labelled images."""
    return ", ".join(known.short for known in label_formats())


def list_kinds_of_files(word: str = "or") -> str:
    """Files of all wings: "images, recordings or scans"."""
    return listed([wing.nouns for wing in pictures_first()], word)


def list_files() -> str:
    """Files of all wings, with their formats: "images, recordings (EDF) or scans (NIfTI)"."""
    told = [f"{wing.nouns} ({wing.formats()})" if wing.formats() else wing.nouns for wing in pictures_first()]
    return listed(told, "or")


def list_beside_pictures() -> str:
    """Files of the wings that are none of pictures: "recordings or scans"."""
    return listed([wing.nouns for wing in pictures_first() if not is_of_pictures(wing)], "or")


def list_what_is_looked_for() -> str:
    """What a folder may hold that is opened as a data set."""
    return ", ".join(wing.looked_for() or wing.nouns for wing in pictures_first())


def pictures_first() -> list[Wing]:
    """The wings in the order in which they are listed."""
    return sorted(wings(), key=lambda wing: not is_of_pictures(wing))


def is_of_pictures(wing: Wing) -> bool:
    """Whether all its files are pictures."""
    return all(kind.is_picture for kind in wing.kinds)
