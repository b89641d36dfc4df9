"""Run lengths of masks in the forms in which COCO json and Datumaro's write them, checked."""

from __future__ import annotations

from typing import Any

from hotcoco import mask as coco_mask

from maskrcnn.data.parsing.numbers import whole_number
from maskrcnn.masks.rasterise import NO_MASK


def read_run_lengths(rle: Any, spatial_shape: tuple[int, int]) -> bytes:
    """Compressed run lengths of one mask in either of COCO's forms.

    Raises:
        TypeError, ValueError: where they are none, or of another size.
    """
    faults: list[str] = []
    runs = run_lengths_of(rle)
    mask = read_mask(runs[0], spatial_shape, faults) if runs else NO_MASK
    if not runs or faults:
        raise ValueError(f"has a mask that cannot be read ({'; '.join(faults) or 'it has no run lengths'})")
    return mask


def run_lengths_of(segmentation: Any) -> list[dict[str, Any]]:
    """The run lengths of a mask, one or (COCO-Stuff) a list; none of polygons. Counts that are whole are integers."""
    parts = [segmentation] if isinstance(segmentation, dict) else segmentation
    if not isinstance(parts, list) or not all(isinstance(part, dict) for part in parts):
        return []
    return [{**part, "size": _whole(part.get("size")), "counts": _whole(part.get("counts"))} for part in parts]


def read_mask(segmentation: dict[str, Any], spatial_shape: tuple[int, int], faults: list[str]) -> bytes:
    """A mask that is given as run lengths.

    Args:
        segmentation: COCO's, with ``size`` ``[H, W]`` and ``counts``, a string or a list.
        spatial_shape: (height, width) of the image.
        faults: to which a sentence is added where the sizes differ.

    Returns:
        The mask as COCO's compressed run lengths; ``NO_MASK`` where the sizes differ.

    Raises:
        TypeError, ValueError: run lengths that cannot be read.
    """
    size = segmentation["size"]
    if size != list(spatial_shape):
        faults.append(f"its mask is of size {str(size)[:40]} but its image of {list(spatial_shape)}")
        return NO_MASK
    counts: bytes = coco_mask.frPyObjects(segmentation, *spatial_shape)["counts"]
    return counts


def _whole(values: Any) -> Any:
    """A list of whole numbers as integers; anything else as it is."""
    if not isinstance(values, list):
        return values
    whole = [value if type(value) is int else whole_number(value) for value in values]
    return values if None in whole else whole
