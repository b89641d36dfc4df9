"""Writes a data set of synthetic volumes, to try things on and to test with: what is in it is known exactly."""

from __future__ import annotations

import gzip
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from maskrcnn.files import atomic_write
from maskrcnn.jobs.events import Progress, Tell, tell_nobody
from maskrcnn.jobs.options.synthetic import SyntheticOptions
from maskrcnn.modalities.volumes.synthetic.render import check_volume, synthetic_volume
from maskrcnn.modalities.volumes.synthetic.scene import CLASS_NAMES
from maskrcnn.modalities.volumes.volume import extra

Writer = Callable[[Path, np.ndarray, Sequence[float]], None]


@dataclass
class SyntheticSet:
    """What was made: volumes, and objects of each class by name."""

    volumes: int
    objects: dict[str, int]


def make_synthetic(options: SyntheticOptions, tell: Tell = tell_nobody) -> SyntheticSet:
    """Write ``images/synthetic_0001`` ... and label volumes of the same names in ``labels/`` into ``options.out``.

    Names of classes are in ``classes.txt``; where there are several, ``classes/`` has a second label volume with the
    class of each voxel. Volume k follows from the seed and k alone.

    Args:
        options: how many volumes to make, how large they are and what is in them.
        tell: is given :class:`Progress` after each volume.

    Returns:
        How many volumes and objects there are now.

    Raises:
        UsageError: the folder holds something already, or such volumes cannot be made.
    """
    options.check()
    out, kinds, diameter, spacing = options.out, options.kinds, options.diameter, options.spacing
    spatial_shape = options.shape[::-1]  # in tensor order
    check_volume(spatial_shape, spacing, kinds, diameter)
    suffix, write = WRITERS[options.format]()
    names = [CLASS_NAMES[kind] for kind in kinds]
    with atomic_write(out / "classes.txt") as temporary:
        temporary.write_text("".join(f"{name}\n" for name in names), encoding="utf-8")
    made = SyntheticSet(0, dict.fromkeys(names, 0))
    for index in range(1, options.count + 1):
        volume = synthetic_volume((options.seed, index), spatial_shape, spacing, kinds, diameter)
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
        tell(Progress("making", index, options.count))
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
