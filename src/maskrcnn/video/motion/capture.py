"""Gathers the keypoints of a clip's objects while it runs, and writes their motion at its end."""

from __future__ import annotations

import tempfile
from array import array
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from maskrcnn.checks import counted
from maskrcnn.errors import UsageError
from maskrcnn.files import atomic_write
from maskrcnn.model_info import ModelInfo
from maskrcnn.video.frames import TrackedFrame
from maskrcnn.video.labels import Votes, object_stem
from maskrcnn.video.motion.angles import joint_angles, joints_of
from maskrcnn.video.motion.bones import bones_of, joints_over_time, rig
from maskrcnn.video.motion.objects import Moving
from maskrcnn.video.motion.sides import mend_sides
from maskrcnn.video.motion.smoothing import SmoothOptions, smooth_points
from maskrcnn.video.motion.writers.bvh import write_bvh
from maskrcnn.video.motion.writers.chart import draw_angles
from maskrcnn.video.motion.writers.coco import write_coco
from maskrcnn.video.motion.writers.openpose import holds, write_openpose
from maskrcnn.video.motion.writers.tables import write_angles, write_keypoints

FORMATS = ("csv", "coco", "openpose", "bvh", "angles")
LEAST_FRAMES = 2  # of an object whose motion is written


def check_motion(formats: Sequence[str], info: ModelInfo) -> None:
    """Refuse to write motion that a model does not see.

    Args:
        formats: some of :data:`FORMATS`.
        info: of the model.

    Raises:
        UsageError: it finds no keypoints, or a format cannot hold them.
    """
    if formats and not info.keypoint_names:
        raise UsageError("--motion needs a model that finds keypoints, such as --model people.")
    if "openpose" in formats and not holds(info.keypoint_names):
        raise UsageError("--motion openpose holds people only; write the points of this model as csv, coco or bvh.")


@dataclass(frozen=True)
class Files:
    """Where the motion of a clip is written: NAME.keypoints.csv, NAME.bvh/person-001.bvh and so on.

    Attributes:
        folder: of the files.
        stem: the clip's name.
    """

    folder: Path
    stem: str

    def of_clip(self, ending: str) -> Path:
        """A file or folder of all objects."""
        return self.folder / f"{self.stem}.{ending}"

    def of_object(self, kind: str, own: Moving, suffix: str) -> Path:
        """A file of one object.

        Args:
            kind: of the files, by which their folder is called.
            own: the object.
            suffix: of the file.

        Returns:
            Its path.
        """
        return self.of_clip(kind) / f"{object_stem(own.name, own.number)}{suffix}"


class Capture:
    """A sink that keeps keypoints in a file without a name, and mends, smooths and writes them in the end.

    Args:
        files: where it writes.
        formats: some of :data:`FORMATS`.
        info: of the model.
        options: how points are cleaned.
        fps: frames a second of files that know no times.
        note: is told what could not be written, a sentence each.
    """

    def __init__(
        self,
        files: Files,
        formats: Sequence[str],
        info: ModelInfo,
        options: SmoothOptions | None = None,
        fps: float | None = None,
        note: Callable[[str], object] = lambda sentence: None,
    ) -> None:
        check_motion(formats, info)
        self.files, self.formats, self.info = files, formats, info
        self.options, self.fps = options or SmoothOptions(), fps
        self.note = note
        self._frames, self._times = array("q"), array("d")
        self._size = (1, 1)
        self._votes = Votes()
        shape = (len(info.keypoint_names), 3)
        row = [("id", "<i8"), ("place", "<i8"), ("score", "<f4"), ("box", "<f4", 4), ("points", "<f4", shape)]
        self._row = np.dtype(row)
        self._kept = tempfile.TemporaryFile()  # noqa: SIM115

    def add(self, frame: TrackedFrame) -> None:
        """Take the next frame."""
        self._size = (frame.image.shape[1], frame.image.shape[0])
        self._votes.add(frame)
        if frame.objects.keypoints is not None and len(frame.ids):
            rows = np.zeros(len(frame.ids), self._row)
            rows["id"], rows["place"] = frame.ids, len(self._frames)
            rows["score"], rows["box"] = frame.objects.scores.numpy(), frame.objects.boxes.numpy()
            rows["points"] = frame.objects.keypoints.numpy()
            self._kept.write(rows.tobytes())
        self._frames.append(frame.index)
        self._times.append(frame.time)

    def finish(self, numbers: Mapping[int, int]) -> None:
        """Write the files.

        Args:
            numbers: as :class:`FrameSink` says.
        """
        objects = list(self._objects(numbers))
        names, frames = self.info.keypoint_names, self._frames.tolist()
        if "csv" in self.formats:
            write_keypoints(self.files.of_clip("keypoints.csv"), objects, names)
        if "coco" in self.formats:
            path = self.files.of_clip("keypoints.json")
            write_coco(path, objects, frames, self._size, self._categories())
        if "openpose" in self.formats:
            write_openpose(self.files.of_clip("openpose"), self.files.stem, objects, names, frames)
        if "angles" in self.formats:
            self._write_angles(objects)
        if "bvh" in self.formats:
            self._write_bvh(objects)

    def _objects(self, numbers: Mapping[int, int]) -> Iterator[Moving]:
        """The objects that count, in the order of their numbers."""
        self._kept.flush()
        size = self._kept.tell()
        rows: np.ndarray = np.memmap(self._kept, self._row, "r") if size else np.zeros(0, self._row)
        order = np.argsort(rows["id"], kind="stable")
        ids, first = np.unique(rows["id"][order], return_index=True)
        own_rows = dict(zip(ids.tolist(), np.split(order, first[1:])))
        times, frames = np.array(self._times), self._frames.tolist()
        for own, number in sorted(numbers.items(), key=lambda pair: pair[1]):
            seen = rows[own_rows[own]] if own in own_rows else rows[:0]
            if len(seen) < LEAST_FRAMES:
                continue
            begin, end = int(seen["place"][0]), int(seen["place"][-1]) + 1
            at = seen["place"] - begin
            points = np.zeros((end - begin, *seen["points"].shape[1:]))
            boxes, scores = np.full((end - begin, 4), np.nan), np.zeros(end - begin)
            points[at], boxes[at], scores[at] = seen["points"], seen["box"], seen["score"]
            mended = mend_sides(points, self.info.keypoint_names, self.options.threshold)
            smoothed = smooth_points(mended, times[begin:end], self.options)
            label = self._votes.label(own)
            name = self.info.class_names[label - 1] if label > 0 else ""
            yield Moving(number, name, label, frames[begin:end], times[begin:end], smoothed, boxes, scores)

    def _categories(self) -> list[dict[str, Any]]:
        """COCO's, of labels 1..K."""
        ids = self.info.category_ids or tuple(range(1, len(self.info.class_names) + 1))
        limbs = [[a + 1, b + 1] for a, b in self.info.skeleton]
        points = {"keypoints": list(self.info.keypoint_names), "skeleton": limbs}
        return [{"id": own, "name": name, **points} for own, name in zip(ids, self.info.class_names)]

    def _write_angles(self, objects: Sequence[Moving]) -> None:
        joints = joints_of(self.info.keypoint_names, self.info.skeleton)
        write_angles(self.files.of_clip("angles.csv"), objects, joints)
        for own in objects:
            angles = joint_angles(own.points, joints)
            if not np.isnan(angles).all():
                picture = draw_angles(own.times, angles, joints, f"{self.files.stem}: {own.name} {own.number}")
                with atomic_write(self.files.of_object("angles", own, ".png")) as beside:
                    picture.save(beside)

    def _write_bvh(self, objects: Sequence[Moving]) -> None:
        bones, left_out = bones_of(self.info.keypoint_names, self.info.skeleton), 0
        for own in objects:
            fps = self.fps or 1 / max(float(np.median(np.diff(own.times))), 1e-3)
            joints = joints_over_time(own.points, self.info.keypoint_names, self._size[1])
            made = rig(joints, bones, own.times, fps)
            if made is None:
                left_out += 1
            else:
                write_bvh(self.files.of_object("bvh", own, ".bvh"), made, fps)
        if left_out:
            self.note(f"{counted(left_out, 'object')} showed too little of their skeleton for a BVH file.")
