"""The one outline that some formats keep of an object."""

from __future__ import annotations

from collections import Counter

import numpy as np

from maskrcnn.masks.outlines import one_polygon
from maskrcnn.modalities.images.labels.conversion_loss import JOINED
from maskrcnn.modalities.images.labels.editable import LabelledObject, MaskWindow, Shape


def one_outline(drawn: LabelledObject, shape: Shape, lost: Counter[str]) -> np.ndarray | None:
    """The corners of the one outline that covers the same pixels as an object.

    Args:
        drawn: the object.
        shape: height and width of its image.
        lost: counts objects whose parts and holes are joined by lines without width.

    Returns:
        Float ``[N, 2]``, x and y; None of a box alone.
    """
    if len(drawn.parts) == 1 and not drawn.has_holes():
        return np.reshape(drawn.parts[0][0], (-1, 2))
    window = MaskWindow.of_counts(drawn.counts(shape), shape)
    if window is None:
        return None
    lost[JOINED] += len(drawn.parts) > 1 or drawn.has_holes()
    corners: np.ndarray = np.reshape(one_polygon(window.regions(shape).window(0)), (-1, 2)) + window.box[:2]
    return corners
