"""What was found, as pictures and tables: the overlay, ``predictions.json`` in COCO's results form and ``summary.csv``,
with the columns and keys that ``maskrcnn predict`` writes."""

from __future__ import annotations

import csv
import io
import json
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from maskrcnn_runtime.boxes import Array
from maskrcnn_runtime.errors import RuntimeFault
from maskrcnn_runtime.network import Found
from maskrcnn_runtime.pictures import Model

COLUMNS = ("file", "object", "class", "score", "x1", "y1", "x2", "y2", "area_px")
PALETTE = (
    (0, 178, 255),
    (255, 56, 92),
    (255, 190, 0),
    (140, 82, 255),
    (0, 214, 132),
    (255, 122, 26),
    (255, 82, 214),
    (178, 232, 0),
)
OPACITY, SURE = 0.38, 0.1  # of a fill; the score from which on a point is drawn
PIXEL_CENTRE = 0.5  # COCO's keypoints count pixels by their centres
FORMULAS = ("=", "+", "-", "@", "\t", "\r")  # a cell that begins so would be computed by a spreadsheet


def entries_of(model: Model, found: Found, shape: Sequence[int], outlines: bool = True) -> list[dict[str, Any]]:
    """Objects in COCO's results form, with the names of their classes.

    Args:
        model: that found them.
        found: in pixels of a picture.
        shape: of the picture, (height, width).
        outlines: whether masks are told, as compressed run lengths.
    """
    entries = []
    for k in range(len(found)):
        x1, y1, x2, y2 = (round(float(c), 2) for c in found.boxes[k])
        label = int(found.labels[k])
        entry: dict[str, Any] = {
            "category": model.class_names[label - 1],
            "category_id": model.category_ids[label - 1],
            "bbox": [x1, y1, round(x2 - x1, 2), round(y2 - y1, 2)],
            "score": round(float(found.scores[k]), 4),
        }
        if found.masks is not None and outlines:
            entry["segmentation"] = found.masks[k].rle(shape)
        if found.keypoints is not None:
            moved = found.keypoints[k].astype(np.float64) - [PIXEL_CENTRE, PIXEL_CENTRE, 0]
            flat = moved.reshape(-1).tolist()
            entry["keypoints"] = [round(number, 4 if n % 3 == 2 else 2) for n, number in enumerate(flat)]
        entries.append(entry)
    return entries


def areas_of(found: Found) -> list[int]:
    """Pixels of each object's mask, or of its box where there are no masks."""
    if found.masks is not None:
        return [mask.area() for mask in found.masks]
    low, high = np.split(found.boxes.astype(np.float64), 2, axis=-1)
    return np.round((high - low).prod(-1)).astype(np.int64).tolist()


class ResultFolder:
    """A folder of results: an overlay a picture, and lists that are written whole after each.

    Args:
        out: the folder, made if it does not exist.
        model: that looks.
    """

    def __init__(self, out: Path, model: Model) -> None:
        if out.exists() and not out.is_dir():
            raise RuntimeFault(f"{out} is a file; name a folder for the results with --out.")
        self.out, self.model = out, model
        self.entries: list[dict[str, Any]] = []
        self.rows: list[tuple[Any, ...]] = []
        self.taken: set[str] = set()

    def add(self, source: Path, image: Array, found: Found) -> None:
        """Write what was found in a picture, last into the lists."""
        name, count = source.stem, 1
        while name in self.taken:
            count += 1
            name = f"{source.stem}-{count}"
        self.taken.add(name)
        overlay = self.out / f"{name}.png"
        if overlay.exists() and source.exists() and overlay.resolve() == source.resolve():
            raise RuntimeFault(f"The results would fall among the pictures: name another folder than {self.out}.")
        write_whole(overlay, lambda beside: draw(image, found, self.model).save(beside, compress_level=4))
        identity = int(name) if name.isdecimal() else name
        entries, areas = entries_of(self.model, found, image.shape[:2]), areas_of(found)
        self.entries += [{"file_name": str(source), "image_id": identity, **entry} for entry in entries]
        file = f"'{source}" if str(source).startswith(FORMULAS) else str(source)
        for k, (entry, area) in enumerate(zip(entries, areas)):
            corners = (round(float(c), 2) for c in found.boxes[k])
            self.rows.append((file, k + 1, entry["category"], entry["score"], *corners, area))
        self.write_lists()

    def write_lists(self) -> None:
        """``predictions.json`` and ``summary.csv`` as they are now."""
        lines = ",\n".join(json.dumps(entry, ensure_ascii=False) for entry in self.entries)
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerows([COLUMNS, *self.rows])
        write_whole(self.out / "predictions.json", lambda beside: beside.write_text(f"[\n{lines}\n]\n", "utf-8"))
        write_whole(self.out / "summary.csv", lambda beside: beside.write_text(text.getvalue(), "utf-8"))


def write_whole(path: Path, write: Callable[[Path], object]) -> None:
    """Write a file beside its place, then put it there: it is whole or not there at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f".{path.stem[:40]}.{os.getpid()}{path.suffix}")
    try:
        write(beside)
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)


def draw(image: Array, found: Found, model: Model, numbers: Sequence[int] | None = None) -> Image.Image:
    """The picture with every object in a colour of its own, larger ones first.

    Args:
        image: uint8 ``[H, W, 3]``.
        found: in pixels of it.
        model: names the classes.
        numbers: of tracks, which then choose the colours and are written beside the classes.
    """
    canvas = Image.fromarray(image)
    line = max(2, round(0.003 * max(canvas.size)))
    low, high = np.split(found.boxes, 2, axis=1)
    order = np.argsort(-(high - low).prod(1), kind="stable").tolist()
    colours = [PALETTE[(k if numbers is None else numbers[k]) % len(PALETTE)] for k in range(len(found))]
    for k in order if found.masks is not None else []:
        mask = found.masks[k]  # type: ignore[index]
        if mask.area():
            alpha = Image.fromarray(mask.window().astype(np.uint8) * round(255 * OPACITY))
            canvas.paste(Image.new("RGB", alpha.size, colours[k]), mask.offset[::-1], alpha)
    pen = ImageDraw.Draw(canvas)
    font = ImageFont.load_default(max(11, round(0.016 * max(canvas.size))))
    for k in order:
        pen.rectangle(found.boxes[k].tolist(), outline=colours[k], width=line)
        if found.keypoints is not None:
            _draw_points(pen, found.keypoints[k], model.skeleton, colours[k], line)
    for k in order[::-1]:
        number = "" if numbers is None else f" {numbers[k]}"
        text = f"{model.class_names[int(found.labels[k]) - 1]}{number} {found.scores[k]:.2f}"
        x, y = (float(c) for c in found.boxes[k, :2])
        left, top, right, bottom = pen.textbbox((x, y), text, font=font)
        down = max(0.0, bottom - top + 4 - y)  # at the upper border the label stands inside
        shift = down - (bottom - top + 4)
        pen.rectangle((left, top + shift, right + 6, bottom + shift + 4), fill=colours[k])
        pen.text((x + 3, y + shift + 2), text, fill="black", font=font)
    return canvas


def _draw_points(pen: ImageDraw.ImageDraw, points: Array, skeleton: Sequence[Any], colour: Any, line: int) -> None:
    for a, b in skeleton:
        if min(points[a, 2], points[b, 2]) >= SURE:
            pen.line([tuple(points[a, :2].tolist()), tuple(points[b, :2].tolist())], fill=colour, width=line)
    for x, y, score in points.tolist():
        if score >= SURE:
            pen.ellipse((x - line, y - line, x + line, y + line), fill="white", outline=colour)
