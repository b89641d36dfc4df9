"""Which pictures come from one source: as the reader says, or as the names of files tell."""

from __future__ import annotations

import re

from maskrcnn.structures import Record

# Roboflow names each augmented copy of an uploaded photo.jpg photo_jpg.rf.HASH.jpg.
ROBOFLOW = re.compile(
    r"(?P<source>.+?)(?:[_.](?:jpe?g|png|bmp|tiff?|webp|gif))?\.rf\.[0-9A-Za-z]+\.\w+$", re.IGNORECASE
)


def source_name(file_name: str) -> str | None:
    """The name of the photo that Roboflow made ``file_name`` from; None for other names."""
    found = ROBOFLOW.match(file_name.replace("\\", "/").rsplit("/", 1)[-1])
    return found["source"] if found else None


def source_of(record: Record) -> str | None:
    """The record's own group, or the source that its file name tells; None where nothing tells, for two folders may
    number their files alike."""
    return record.group if record.group is not None else source_name(record.file_name)


def group_of(record: Record) -> str:
    """What must not be on both sides of a split: :func:`source_of`, or the picture alone."""
    source = source_of(record)
    return record.file_name if source is None else source
