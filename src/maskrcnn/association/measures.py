"""How large, how bright and of which shape the objects of a file are: numbers that need no alignment."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from maskrcnn.association.fields import Field

Objects = Mapping[str, Sequence[np.ndarray]]  # bool [*S] masks, by the name of their class or region


@dataclass(frozen=True)
class MeasureTable:
    """Measures of all files.

    Attributes:
        names: (object, measure, unit) of the V columns.
        values: float64 ``[n, V]``; what a file does not have is not a number.
    """

    names: tuple[tuple[str, str, str], ...]
    values: np.ndarray


def measure_objects(field: Field, objects: Objects, size: tuple[str, str]) -> dict[tuple[str, str, str], float]:
    """Measure the objects of a file.

    Of several objects of one name, numbers and sizes are added up, and the rest is the mean weighted by size.

    * ``count``: how many there are.
    * ``volume`` (or what the wing calls it): all their samples times the size of one.
    * ``intensity``: the mean of the first channel in them.
    * ``contrast``: its standard deviation there.
    * ``elongation``: the longest over the shortest axis of an ellipsoid with the same second moments; 1 is round.

    Args:
        field: the file.
        objects: the masks.
        size: what the size of an object is called, and its unit.

    Returns:
        Each measure by (object, measure, unit).
    """
    found: dict[tuple[str, str, str], float] = {}
    for name, masks in objects.items():
        masks = [mask for mask in masks if mask.any()]
        sizes = np.array([int(mask.sum()) for mask in masks], dtype=np.float64)
        found[name, "count", ""] = float(len(masks))
        found[name, size[0], size[1]] = float(sizes.sum()) * field.size_of_sample
        inside = [field.samples[0][mask] for mask in masks]
        rest = {
            "intensity": [float(values.mean()) for values in inside],
            "contrast": [float(values.std()) for values in inside],
            "elongation": [elongation(mask, field.spacing) for mask in masks],
        }
        for measure, values in rest.items():
            found[name, measure, ""] = float(np.average(values, weights=sizes)) if masks else np.nan
    return found


def elongation(mask: np.ndarray, spacing: Sequence[float] | None) -> float:
    """The longest over the shortest axis of an ellipsoid with the second moments of a mask.

    Args:
        mask: bool ``[*S]``, something of it true.
        spacing: x first; None: the same along all axes.

    Returns:
        1 for what is round, and for what has one axis.
    """
    steps = np.array([1.0] * mask.ndim if spacing is None else spacing[::-1])
    points = np.argwhere(mask) * steps
    centred = points - points.mean(axis=0)
    moments = centred.T @ centred / len(points) + np.diag(steps**2 / 12)  # a sample is not a point
    axes = np.sqrt(np.linalg.eigvalsh(moments))
    return float(axes[-1] / axes[0])


def table_of(rows: Sequence[Mapping[tuple[str, str, str], float]]) -> MeasureTable:
    """The measures of all files side by side; a count or a size that a file lacks is 0.

    Args:
        rows: of each file, as :func:`measure_objects` gives them.

    Returns:
        The table, without what is the same in all files.
    """
    names = list(dict.fromkeys(name for row in rows for name in row))
    values = np.array([[row.get(name, np.nan) for name in names] for row in rows], dtype=np.float64)
    values = values.reshape(len(rows), len(names))
    sums = np.array([name[1] not in ("intensity", "contrast", "elongation") for name in names], dtype=bool)
    values = np.where(np.isnan(values) & sums, 0.0, values)
    kept = [k for k in range(len(names)) if np.unique(values[:, k]).size > 1]
    return MeasureTable(tuple(names[k] for k in kept), values[:, kept])
