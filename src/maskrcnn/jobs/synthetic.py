"""A data set of synthetic volumes, to try things on and to test with: what is in it is known exactly."""

from __future__ import annotations

import gzip
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from maskrcnn.checks import new_folder
from maskrcnn.files import atomic_write
from maskrcnn.modalities.volumes.synthetic.render import DIAMETER, check_volume, synthetic_volume
from maskrcnn.modalities.volumes.synthetic.scene import CLASS_NAMES, KINDS
from maskrcnn.modalities.volumes.volume import extra

Writer = Callable[[Path, np.ndarray, Sequence[float]], None]


@dataclass
class SyntheticSet:
    """What was made: volumes, and objects of each class by name."""

    volumes: int
    objects: dict[str, int]


def make_synthetic(
    out: Path,
    count: int,
    seed: int = 0,
    spatial_shape: Sequence[int] = (64, 64, 64),
    spacing: Sequence[float] = (1.0, 1.0, 1.0),
    kinds: Sequence[str] = KINDS,
    diameter: float = DIAMETER,
    file_format: str = "tiff",
    report: Callable[[int], None] = lambda done: None,
) -> SyntheticSet:
    """Write ``images/synthetic_0001`` ... and label volumes of the same names in ``labels/`` into ``out``.

    Names of classes are in ``classes.txt``; where there are several, ``classes/`` has a second label volume with the
    class of each voxel. Volume k follows from ``seed`` and k alone. Arguments are those of
    :func:`maskrcnn.modalities.volumes.synthetic.render.synthetic_volume`.

    Args:
        file_format: one of :data:`WRITERS`.

    Raises:
        UsageError: ``out`` holds something already, or such volumes cannot be made.
    """
    new_folder(out, "the volumes")
    check_volume(spatial_shape, spacing, kinds, diameter)
    suffix, write = WRITERS[file_format]()
    names = [CLASS_NAMES[kind] for kind in kinds]
    with atomic_write(out / "classes.txt") as temporary:
        temporary.write_text("".join(f"{name}\n" for name in names), encoding="utf-8")
    made = SyntheticSet(0, dict.fromkeys(names, 0))
    for index in range(1, count + 1):
        volume = synthetic_volume((seed, index), spatial_shape, spacing, kinds, diameter)
        name = f"synthetic_{index:04d}{suffix}"
        top = np.iinfo(np.uint16).max
        write(out / "images" / name, np.minimum(np.rint(volume.samples), top).astype(np.uint16), spacing)
        write(out / "labels" / name, volume.label_map, spacing)
        if len(names) > 1:
            classes = np.concatenate([[0], volume.labels]).astype(np.uint8)
            write(out / "classes" / name, classes[volume.label_map], spacing)
        for label in volume.labels.tolist():
            made.objects[names[label - 1]] += 1
        made.volumes += 1
        report(index)
    return made


def _tiff() -> tuple[str, Writer]:
    tifffile = extra("tifffile", "TIFF stacks")

    def write(path: Path, voxels: np.ndarray, spacing: Sequence[float]) -> None:
        """``[Z, Y, X]`` as a stack that ImageJ opens, with the spacing (x first) in micrometres."""
        with atomic_write(path) as temporary:
            tifffile.imwrite(
                str(temporary),
                voxels,
                imagej=True,
                resolution=(1 / spacing[0], 1 / spacing[1]),
                metadata={"axes": "ZYX", "spacing": spacing[2], "unit": "micron"},
            )

    return ".tif", write


def _nifti() -> tuple[str, Writer]:
    nibabel = extra("nibabel", "NIfTI files")

    def write(path: Path, voxels: np.ndarray, spacing: Sequence[float]) -> None:
        """``[Z, Y, X]`` with the spacing (x first) in millimetres."""
        image = nibabel.Nifti1Image(voxels.T, np.diag([*spacing, 1.0]))
        image.header.set_xyzt_units("mm")
        with atomic_write(path) as temporary:  # without the time of writing, so that the same seed makes the same file
            temporary.write_bytes(gzip.compress(image.to_bytes(), mtime=0))

    return ".nii.gz", write


WRITERS: dict[str, Callable[[], tuple[str, Writer]]] = {"tiff": _tiff, "nifti": _nifti}
