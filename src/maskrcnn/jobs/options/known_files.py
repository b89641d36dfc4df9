"""What commands take, in words: the lists follow from the folders of formats. Loads nothing that reads a file."""

from __future__ import annotations

from maskrcnn.modalities.words import list_label_formats, list_recordings, list_scans

LABELLED_IMAGES = f"Labelled images: {list_label_formats()}; DATA:val is the split of that name."
LABELLED = f"{LABELLED_IMAGES} Or labelled recordings or scans (docs/formats.md)."
TO_TRAIN_ON = (
    f"{LABELLED} Several are trained on together: a class that one of them does not have is neither object nor "
    "background there."
)
FILES = (
    f"Images, recordings ({list_recordings()}) or scans ({list_scans()}), or folders of them (with their subfolders)."
)
