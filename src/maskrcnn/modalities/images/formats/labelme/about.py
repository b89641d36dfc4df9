"""What LabelMe is, without loading what reads it."""

from __future__ import annotations

from typing import Any

from maskrcnn.modalities.images.labels.formats import LabelFormat


def is_labelme(content: Any) -> bool:
    """Whether the content of a json file is that of LabelMe."""
    return isinstance(content, dict) and isinstance(content.get("shapes"), list) and "imagePath" in content


FORMAT = LabelFormat(
    short="LabelMe",
    order=70,
    name="LabelMe, X-AnyLabeling",
    brief="LabelMe json beside the images",
    recognised=(
        "`.json` files with `shapes` and `imagePath`, beside the pictures, in `annotations/` or the like, or in "
        "subfolders"
    ),
    holds=(
        "polygon, rectangle, circle, brush mask (`mask`), any other shape of three corners or more (`rotation`, "
        "`oriented_rectangle`); crowds; `labels.txt` orders the classes"
    ),
    guessed=(
        "shapes of one label and one `group_id` are one object; nothing but rectangles are boxes; a picture of the "
        "json's own name, where `imagePath` leads nowhere"
    ),
    refused=(
        "points, lines, cuboids; `__ignore__` and `_background_`; the picture inside the json (`imageData`); "
        "foreign or damaged json files among others"
    ),
    is_content=is_labelme,
    json_a_picture=True,
    written_as="labelme",
)
