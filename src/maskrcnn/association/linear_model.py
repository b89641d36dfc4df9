"""t and F of a linear model at every sample, for the labels as they are and for permuted ones at once.

Freedman and Lane (1983) permute the residuals of the model without the label: y* = P R y, with R = I - Q Q' and Q the
orthonormal confounders. With x the label without what Q says of it, of length 1, and e = R y of length 1,
t² / freedom = (x' P e)² / (1 - |Q' P e|² - (x' P e)²). So products of a few permuted rows with the same residuals are
all that a permutation costs.
"""

from __future__ import annotations

import numpy as np

from maskrcnn.association.design import Design

FLAT = 1e-6  # of the largest value: a sample that varies by less is the same in all files
LEAST_REST = 1e-7  # of the residuals' variance, lest a perfect fit divides by 0


def residuals(values: np.ndarray, design: Design) -> tuple[np.ndarray, np.ndarray]:
    """What the confounders leave of samples.

    Args:
        values: float32 ``[n, V]``.
        design: of n files.

    Returns:
        float32 ``[n, V]`` of length 1 for each sample, 0 where nothing varies; and those lengths, float64 ``[V]``.
    """
    wide = values.astype(np.float64)
    size = np.abs(wide).max(axis=0, initial=0.0)
    left = wide - design.nuisance @ (design.nuisance.T @ wide)
    lengths = np.linalg.norm(left, axis=0)
    lengths[lengths <= FLAT * size * len(wide) ** 0.5] = 0
    return (left / np.where(lengths > 0, lengths, np.inf)).astype(np.float32), lengths


def rows_of(design: Design) -> np.ndarray:
    """float64 ``[n, k + q - 1]``: what residuals are multiplied with; their product with the mean is 0 always."""
    return np.column_stack([design.tested, design.nuisance[:, 1:]])


def permuted_rows(design: Design, orders: np.ndarray) -> np.ndarray:
    """Rows for permuted residuals.

    Args:
        design: of n files.
        orders: int ``[K, n]``, permutations of 0..n-1.

    Returns:
        float32 ``[K, k + q - 1, n]``.
    """
    permuted: np.ndarray = rows_of(design).astype(np.float32)[orders].transpose(0, 2, 1).copy()
    return permuted


def statistics(unit: np.ndarray, rows: np.ndarray, design: Design) -> np.ndarray:
    """t (one column is tested) or F of every sample.

    Args:
        unit: residuals, float32 ``[n, V]``, as :func:`residuals` gives them.
        rows: float32 ``[K, k + q - 1, n]``, as :func:`permuted_rows` gives them.
        design: of n files.

    Returns:
        float32 ``[K, V]``.
    """
    count, height, n = rows.shape
    k = design.tested.shape[1]
    products = (rows.reshape(-1, n) @ unit).reshape(count, height, -1)
    rest = np.maximum(1 - np.einsum("krv,krv->kv", products, products), LEAST_REST)
    if design.is_t:
        t: np.ndarray = products[:, 0] * np.sqrt(design.freedom / rest)
        return t
    own: np.ndarray = np.einsum("krv,krv->kv", products[:, :k], products[:, :k])
    f: np.ndarray = own / k / (rest / design.freedom)
    return f


def effects(unit: np.ndarray, lengths: np.ndarray, design: Design) -> tuple[np.ndarray, np.ndarray]:
    """How large the effects are.

    Args:
        unit: residuals, float32 ``[n, V]``.
        lengths: of them, float64 ``[V]``.
        design: of n files.

    Returns:
        float64 ``[k, V]``: of a number the change of a sample per unit of the label, of classes the difference from
        the first class, confounders taken out; and float64 ``[V]``: the share of the variance that the confounders
        leave which the label explains (partial r², for F partial eta²).
    """
    products = design.tested.T @ unit.astype(np.float64)
    return design.slope @ (products * lengths), np.square(products).sum(axis=0)
