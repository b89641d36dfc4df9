"""What was found in each frame of a video, a line a frame, written as it comes: files are made of it at the end, and a
run that was stopped goes on with it."""

from __future__ import annotations

import json
from base64 import b64decode, b64encode
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from maskrcnn.files import is_file
from maskrcnn.regions import Regions
from maskrcnn.rle import decode_masks, regions_to_rle
from maskrcnn.structures import APPEARANCE, Instances
from maskrcnn.video.frames import TrackedFrame

SUFFIX = ".frames.jsonl"
MASKS = "masks"
STEPS = 127  # in which a number 0..1 of an appearance is kept


class Spool:
    """The frames of one video in a file. It is a :class:`maskrcnn.video.frames.FrameSink`.

    Args:
        path: of the file.
        head: what its frames depend on. A file of the same head that lies there goes on: :meth:`saved` gives its
            frames, and frames that it holds are not written again.
    """

    def __init__(self, path: Path, head: Mapping[str, Any]) -> None:
        self.path = path
        self.head = json.loads(json.dumps(head))
        self.done = self._go_on()  # frames that are there from before
        self.count = 0  # frames that came

    def saved(self) -> Iterator[dict[str, Any]]:
        """The lines of the frames that were done before, rising."""
        for count, line in enumerate(read_lines(self.path)):
            if count >= self.done:
                return
            yield line

    def add(self, frame: TrackedFrame) -> None:
        """Write the line of a frame that is not there yet."""
        self.count += 1
        if self.count <= self.done:
            return
        text = json.dumps(line_of(frame), separators=(",", ":")) + "\n"
        with self.path.open("ab") as file:
            file.write(text.encode())

    def finish(self, numbers: Mapping[int, int]) -> None:
        """Nothing follows: other files are made of this one, and then it is removed."""

    def remove(self) -> None:
        """Remove the file."""
        self.path.unlink(missing_ok=True)

    def _go_on(self) -> int:
        """How many frames are there from before; what was cut off when it was written is removed."""
        end, count = 0, 0
        if is_file(self.path):
            with self.path.open("rb") as file:
                for number, line in enumerate(file):
                    known = _loaded(line)
                    if known is None or (number == 0 and known != self.head):
                        break
                    end, count = end + len(line), number
        if end:
            with self.path.open("r+b") as file:
                file.truncate(end)
            return count
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self.path.write_text(json.dumps(self.head) + "\n", encoding="utf-8")
        return 0


def _loaded(line: bytes) -> Any:
    try:
        return json.loads(line) if line.endswith(b"\n") else None
    except ValueError:
        return None


def read_lines(path: Path) -> Iterator[dict[str, Any]]:
    """The frames of a spool, rising, see :func:`line_of`."""
    with path.open("rb") as file:
        next(file, None)
        for line in file:
            yield json.loads(line)


def line_of(frame: TrackedFrame) -> dict[str, Any]:
    """A frame as json holds it, to the last bit: index, time, ids and confirmed; boxes (corners), scores, labels, and
    where there are such masks (compressed run lengths) with their areas, keypoints, and appearance (bytes, see
    :func:`to_bytes`, as base64); extent is height and width."""
    found = frame.objects
    line: dict[str, Any] = {
        "frame": frame.index,
        "time": frame.time,
        "extent": list(frame.image.shape[:2]),
        "ids": frame.ids.tolist(),
        "confirmed": frame.confirmed.tolist(),
        "boxes": found.boxes.tolist(),
        "scores": found.scores.tolist(),
        "labels": found.labels.tolist(),
    }
    if found.regions is not None:
        line[MASKS] = [regions_to_rle(found.regions, i)["counts"] for i in range(len(found))]
        line["areas"] = found.regions.areas().tolist()
    if found.keypoints is not None:
        line["keypoints"] = found.keypoints.tolist()
    if APPEARANCE in found.outputs:
        line[APPEARANCE] = b64encode(to_bytes(found.outputs[APPEARANCE]).numpy().tobytes()).decode("ascii")
    return line


def objects_of(line: Mapping[str, Any]) -> Instances:
    """The objects of a line, as they were when it was written."""
    count = len(line["scores"])
    return Instances(
        torch.tensor(line["boxes"], dtype=torch.float32).reshape(count, -1 if count else 4),
        torch.tensor(line["labels"], dtype=torch.int64),
        torch.tensor(line["scores"], dtype=torch.float32),
        regions=regions_of(line),
        keypoints=_points(line["keypoints"], count) if "keypoints" in line else None,
        outputs={APPEARANCE: _looks(line[APPEARANCE], count)} if APPEARANCE in line else {},
    )


def to_bytes(looks: Tensor) -> Tensor:
    """Rows of numbers -1..1 as int8, in steps of 1/127."""
    return (looks * STEPS).round().to(torch.int8)


def from_bytes(looks: Tensor) -> Tensor:
    """The numbers, float32, of :func:`to_bytes`."""
    return looks.float() / STEPS


def regions_of(line: Mapping[str, Any]) -> Regions | None:
    """The masks of a line; None where it has none."""
    if MASKS not in line:
        return None
    return decode_masks([counts.encode("ascii") for counts in line[MASKS]], tuple(line["extent"]))


def _looks(text: str, count: int) -> Tensor:
    rows = np.frombuffer(b64decode(text), np.int8).reshape(count, -1 if count else 0)
    return from_bytes(torch.from_numpy(rows.copy()))


def _points(points: list[Any], count: int) -> Tensor:
    return torch.from_numpy(np.array(points, np.float32).reshape(count, -1 if count else 1, 3))
