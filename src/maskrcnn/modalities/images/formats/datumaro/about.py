"""What Datumaro is, without loading what reads it."""

from __future__ import annotations

from typing import Any

from maskrcnn.modalities.images.labels.formats import LabelFormat


def is_datumaro(content: Any) -> bool:
    """Whether the content of a json file is Datumaro's."""
    if not isinstance(content, dict) or not isinstance(content.get("items"), list):
        return False
    categories = content.get("categories")
    return isinstance(categories, dict) and ("label" in categories or "media_type" in content or not categories)


FORMAT = LabelFormat(
    short="Datumaro",
    order=100,
    name="Datumaro",
    brief="Datumaro json",
    recognised="a `.json` file with `items` and `categories`, also in `annotations/`",
    holds="polygon, mask, box, ellipse; crowds",
    guessed=(
        "annotations of one label and one group are one object; a box among them, or exactly around an outline, is "
        "its box"
    ),
    refused="points, polylines, labels and captions of whole pictures, 3-D",
    is_content=is_datumaro,
)
