"""What commands take, in words: the lists follow from the folders of formats. Loads nothing that reads a file."""

from __future__ import annotations

from maskrcnn.modalities.words import list_beside_pictures, list_files, list_kinds_of_files, list_label_formats

ANY_FILES, ALL_FILES = list_kinds_of_files("or"), list_kinds_of_files("and")
LABELLED_IMAGES = f"Labelled images: {list_label_formats()}; DATA:val is the split of that name."
LABELLED = f"{LABELLED_IMAGES} Or labelled {list_beside_pictures()} (docs/formats.md)."
TO_TRAIN_ON = (
    f"{LABELLED} Several are trained on together: a class that one of them does not have is neither object nor "
    "background there."
)
LISTED = list_files()
FILES = (
    f"{LISTED[0].upper()}{LISTED[1:]}, or folders of them (with their subfolders); videos, cameras (0 is the first), "
    "and streams (rtsp://...)."
)
