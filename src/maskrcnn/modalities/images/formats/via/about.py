"""What VIA is, without loading what reads it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from maskrcnn.modalities.images.labels.formats import LabelFormat

PROJECT, SETTINGS = "_via_img_metadata", "_via_settings"
MOST_ASKED = 50  # csv files of a folder
COLUMNS = ("file_size", "region_shape_attributes", "region_attributes")  # after filename or #filename


def is_via(content: Any) -> bool:
    """Whether the content of a json file is that of VIA."""
    if not isinstance(content, dict) or not content:
        return False
    if PROJECT in content:
        return True
    return all(isinstance(entry, dict) and "filename" in entry and "regions" in entry for entry in content.values())


def is_via_csv(path: Path) -> bool:
    """Whether a csv file begins as VIA writes it."""
    try:
        with path.open(encoding="utf-8-sig") as file:
            header = file.readline().strip().lstrip("#").split(",")
    except (OSError, ValueError):
        return False
    return header[:1] == ["filename"] and all(name in header for name in COLUMNS)


def has_via_csv(folder: Path) -> bool:
    """Whether a csv file of ``folder`` begins as VIA writes it."""
    return any(map(is_via_csv, sorted(folder.glob("*.csv"))[:MOST_ASKED]))


FORMAT = LabelFormat(
    short="VIA",
    order=80,
    name="VIA 1 and 2",
    brief="VIA json or csv",
    recognised="`.json` project or export, `.csv` export",
    holds="polygon, closed polyline, circle, ellipse, rectangle",
    guessed=(
        "the class is one of the `region_attributes` (`class`, `label`, `category`, `name`, `type` ..., else the "
        "one used most); nothing but rectangles are boxes"
    ),
    refused="points; VIA 3",
    is_file=is_via_csv,
    names_pictures=has_via_csv,
    is_content=is_via,
    alone="*.csv",
)
