"""The run before: what the folder with the number before said of the same data."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from maskrcnn.files import is_file
from maskrcnn.report.facts import Before

METRICS = "metrics.json"
SAME = ("data", "images", "objects", "max_detections")  # what two measures must share to be compared


def run_before(out: Path, content: Mapping[str, Any]) -> Before | None:
    """Find the latest earlier run that was measured on the same data.

    Args:
        out: the folder of this one: ``runs/NAME-3``, or a folder in it.
        content: of its ``metrics.json``.

    Returns:
        The nearest of ``runs/NAME-2``, ``runs/NAME`` (or the folder of the same name in it) whose measure can be
        compared; None where there is none.
    """
    for folder in earlier_folders(out):
        metrics = _read(folder / METRICS)
        if all(name in metrics and metrics[name] == content.get(name) for name in SAME):
            return Before(str(folder), metrics)
    return None


def earlier_folders(out: Path) -> list[Path]:
    """The folders of the runs before that of ``out``, the latest first."""
    for run, inside in ((out, ""), (out.parent, out.name)):
        numbered = re.fullmatch(r"(.+)-([2-9]|[1-9]\d{1,2})", run.name)
        if numbered:
            name, number = numbered[1], int(numbered[2])
            names = [f"{name}-{k}" for k in range(number - 1, 1, -1)] + [name]
            return [run.with_name(own) / inside for own in names]
    return []


def _read(path: Path) -> dict[str, Any]:
    """What a file of measures holds; nothing where it is none."""
    try:
        content = json.loads(path.read_text(encoding="utf-8")) if is_file(path) else {}
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}
