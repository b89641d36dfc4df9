"""What Label Studio is, without loading what reads it."""

from __future__ import annotations

from typing import Any

from maskrcnn.modalities.images.labels.formats import LabelFormat


def is_label_studio(content: Any) -> bool:
    """Whether the content of a json file is Label Studio's export (or one task of it)."""
    tasks = content if isinstance(content, list) else [content]
    return bool(tasks) and all(isinstance(task, dict) for task in tasks) and any(map(_is_task, tasks[:50]))


def _is_task(task: dict[str, Any]) -> bool:
    is_full = isinstance(task.get("data"), dict) and any(
        k in task for k in ("annotations", "completions", "predictions")
    )
    return is_full or any(map(is_regions, task.values()))


def is_regions(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(r, dict) and "original_width" in r for r in value)


FORMAT = LabelFormat(
    short="Label Studio",
    order=90,
    name="Label Studio",
    brief="Label Studio json",
    recognised="a `.json` export (JSON or JSON-MIN) of tasks with `data` and `annotations`",
    holds="polygon, rectangle (also turned), ellipse, brush mask",
    guessed=(
        "pictures by the end of their address, with or without the letters that an upload puts before; of several "
        "annotations the ground truth, else the last; a rectangle around its outline is its box"
    ),
    refused=(
        "predictions, cancelled annotations, tasks that nobody labelled; keypoints, videos, pictures turned in the tool"
    ),
    is_content=is_label_studio,
    written_as="label-studio",
)
