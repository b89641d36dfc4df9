"""Lists of what is read, in words, for help, errors and documents: all of them follow from the folders of formats."""

from __future__ import annotations

from maskrcnn.modalities.images.labels.formats import label_formats
from maskrcnn.modalities.signals.recording_format import recording_formats
from maskrcnn.modalities.volumes.scan_format import scan_formats


def list_label_formats() -> str:
    """The formats of labelled images."""
    return ", ".join(known.short for known in label_formats())


def list_recordings() -> str:
    """The formats of recordings."""
    return ", ".join(known.short for known in recording_formats())


def list_scans() -> str:
    """The formats of scans."""
    return ", ".join(known.short for known in scan_formats())


def list_what_is_looked_for() -> str:
    """What a folder may hold that is opened as a data set."""
    pictures = ", ".join(known.brief for known in label_formats())
    return (
        f"{pictures}, recordings with labels of the same name ({list_recordings()}), scans (images/ and labels/, or "
        f"imagesTr/ and labelsTr/, with {list_scans()})"
    )
