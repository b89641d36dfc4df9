"""Object sizes as the model sees them, against what its anchors can find."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from maskrcnn.config import ModelConfig
from maskrcnn.data.transforms.geometry import resize_shape
from maskrcnn.doctor.findings import Finding, finding
from maskrcnn.doctor.survey import Survey
from maskrcnn.planning.anchor_overlap import best_overlaps

TINY = 8.0  # samples: at the finest stride of 4 an object of this size is four features in all
TINY_PART = 0.05  # of the objects
EDGES = (8.0, 16.0, 32.0, 64.0, 128.0, 256.0, 512.0)
UNLIKE = 0.3  # overlap (IoU) with the best anchor under which an object is learned from hardly any
UNLIKE_PART = 0.1
LARGEST_IMAGE = 1536  # samples: beyond it, an image is better cut into parts
STEP = 64  # image sizes are advised in multiples of it


@dataclass(frozen=True)
class Sizes:
    """Sizes of N objects as the model sees them.

    Attributes:
        extents: float64 ``[N, D]``: sides of the boxes, x first, after resizing.
        enlarged: the median factor from the file to the model's input.
    """

    extents: np.ndarray
    enlarged: float

    @property
    def sizes(self) -> np.ndarray:
        """The geometric mean of the sides ``[N]``."""
        means: np.ndarray = np.prod(self.extents, axis=1) ** (1 / self.extents.shape[1])
        return means

    def histogram(self) -> list[tuple[str, int]]:
        """Objects in each range of sizes, the ranges doubling."""
        counts = np.histogram(self.sizes, bins=[0.0, *EDGES, np.inf])[0]
        names = [f"under {EDGES[0]:.0f} px"]
        names += [f"{a:.0f} to {b:.0f} px" for a, b in zip(EDGES, EDGES[1:])] + [f"over {EDGES[-1]:.0f} px"]
        return list(zip(names, counts.tolist()))


def measure_sizes(found: Survey, config: ModelConfig) -> Sizes:
    """The sizes of all objects of a data set for a model of ``config``."""
    if not found.num_objects:
        return Sizes(np.zeros((0, config.ndim)), 1.0)
    extents, shapes = np.concatenate(found.extents), np.concatenate(found.shapes)
    preprocess = config.preprocess
    different, which = np.unique(shapes, axis=0, return_inverse=True)
    factors = np.array(
        [
            np.divide(resize_shape(shape, preprocess.min_size, preprocess.max_size, not preprocess.antialias), shape)
            for shape in different.tolist()
        ]
    )[which.reshape(-1)]
    return Sizes(extents * factors[:, ::-1], float(np.median(factors)))


def size_findings(sizes: Sizes, config: ModelConfig) -> list[Finding]:
    """Objects too small for this image size, and objects that no anchor resembles."""
    findings = []
    total, values = len(sizes.extents), sizes.sizes
    tiny = int((values < TINY).sum())
    size = config.preprocess.max_size
    if total and tiny >= TINY_PART * total:
        why = (
            f"{tiny / total:.0%} of your objects are under {TINY:.0f} px at this size (--image-size {size}): too few "
            "pixels to find and outline them."
        )
        findings.append(finding("objects-tiny", "train", [], total, tiny, why=why, fix=_larger(values, size)))
    unlike = int((best_overlaps(sizes.extents, config.anchors, config.backbone.finest_stride()) < UNLIKE).sum())
    if total and unlike >= UNLIKE_PART * total:
        smallest = config.anchors.sizes[0][0]
        wanted = max(2, 2 ** round(np.log2(max(np.quantile(values, 0.1), 2.0))))
        small = float(np.median(values)) < smallest * 2
        why = (
            f"{unlike / total:.0%} of your objects overlap their best anchor by less than {UNLIKE:.0%}; anchors are "
            f"{smallest:.0f} to {config.anchors.sizes[-1][-1]:.0f} px long at this size, so few examples reach the "
            "first stage."
        )
        fix = (
            f"use --smallest-anchor {wanted}."
            if small and wanted < smallest
            else "very long, thin or large objects are the usual reason: use a smaller --image-size if they are large; "
            "long ones stay hard."
        )
        findings.append(finding("anchors-miss", "train", [], total, unlike, why=why, fix=fix))
    return findings


def _larger(values: np.ndarray, size: int) -> str:
    """The advice for tiny objects: the image size at which few of them stay tiny."""
    factor = TINY / max(float(np.quantile(values, TINY_PART)), 0.5)
    wanted = int(-(-size * factor // STEP) * STEP)
    if wanted <= LARGEST_IMAGE:
        return (
            f"use --image-size {wanted}; with --crop-size {size} beside it, training stays about as fast and looks at "
            "parts of each image."
        )
    return (
        f"they would need images of {wanted} px: cut the images into tiles before labelling, or use --image-size "
        f"{LARGEST_IMAGE} --crop-size {size} in training and --tile in `maskrcnn predict`."
    )
