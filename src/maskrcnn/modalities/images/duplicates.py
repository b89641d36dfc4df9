"""Whether two pictures are the same one: by their content, or by how they look."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from torch import Tensor

SIDE = 32  # samples of a thumbnail along every axis
FREQUENCIES = 8  # lowest ones along every axis whose signs are the hash
MOST_DIFFERENT_SIGNS = 0.16  # of a hash: pictures further apart are not compared at all
ALIKE = 0.985  # correlation of the thumbnails of one picture, saved anew, resized or recoloured
FLAT = 1.5  # deviation of a thumbnail (0..255) under which there is nothing to compare
CHUNK = 1024  # images whose hashes are compared with all others at once
BLOCK = 8192  # candidates whose thumbnails are


@dataclass(frozen=True)
class Imprint:
    """What is kept of one image of any D.

    Attributes:
        content: digest of the decoded samples: equal for equal images, however they were compressed without loss.
        thumbnail: uint8 ``[SIDE, ...]``, grey.
    """

    content: bytes
    thumbnail: np.ndarray

    def is_blank(self) -> bool:
        """Whether nothing is to be seen: one grey all over."""
        return float(self.thumbnail.std()) < FLAT and int(self.thumbnail.max()) - int(self.thumbnail.min()) < 8


def imprint(image: Tensor) -> Imprint:
    """Of one image ``[C, *S]``, 0..255."""
    samples = image.contiguous().numpy()
    digest = hashlib.blake2b(np.ascontiguousarray(samples).data, digest_size=16)
    digest.update(str(samples.shape).encode())
    grey = samples.mean(0, dtype=np.float32)
    for axis in range(grey.ndim):
        grey = _average(grey, axis)
    return Imprint(digest.digest(), grey.round().clip(0, 255).astype(np.uint8))


def hash_signs(thumbnails: np.ndarray) -> np.ndarray:
    """The perceptual hash of thumbnails ``[N, SIDE, ...]``: int8 ``[N, FREQUENCIES ** D - 1]`` of -1 and 1.

    The signs of the lowest frequencies of the cosine transform (DCT-II) but for the mean: a change of size, brightness,
    contrast or compression turns few of them.
    """
    values = thumbnails.astype(np.float32)
    for axis in range(1, values.ndim):
        values = np.moveaxis(np.moveaxis(values, axis, -1) @ cosines().T, -1, axis)
    flat = values.reshape(len(values), -1)[:, 1:]
    return np.where(flat > 0, 1, -1).astype(np.int8)


def cosines() -> np.ndarray:
    """The lowest rows of the DCT-II, float32 ``[FREQUENCIES, SIDE]``."""
    angle = np.pi / SIDE * np.outer(np.arange(FREQUENCIES), np.arange(SIDE) + 0.5)
    return np.cos(angle).astype(np.float32)


def mirrored(thumbnails: np.ndarray) -> np.ndarray:
    """Thumbnails ``[N, SIDE, ...]`` with left and right exchanged."""
    return thumbnails[..., ::-1]


def alike_pairs(first: np.ndarray, second: np.ndarray, earlier: bool = False) -> list[tuple[int, int]]:
    """For each j of the thumbnails ``second`` ``[M, SIDE, ...]`` the first i of ``first`` ``[N, SIDE, ...]`` that shows
    the same picture, as pairs (i, j), where there is one; with ``earlier``, only i < j.

    The hash finds the candidates among all N * M pairs, the thumbnails themselves decide. Blank images are like no
    other. Of each j one pair is given, because a film of a standing camera has as many pairs as the square of its
    frames.

    Args:
        first: ``[N, SIDE, ...]``.
        second: ``[M, SIDE, ...]``.
        earlier: whether only pairs of i < j are asked for, where both are the same images.

    Returns:
        Pairs (i, j), sorted, of each j at most one.
    """
    if not len(first) or not len(second):
        return []
    left, right = _standardised(first), _standardised(second)
    partner: dict[int, int] = {}
    for rows, columns in _candidates(hash_signs(first), hash_signs(second)):
        allowed = rows < columns if earlier else rows >= 0
        rows, columns = rows[allowed], columns[allowed]
        alike = np.einsum("ij,ij->i", left[rows], right[columns]) >= ALIKE
        for i, j in zip(rows[alike].tolist(), columns[alike].tolist()):
            partner[j] = min(i, partner.get(j, i))
    return sorted((i, j) for j, i in partner.items())


def _candidates(first: np.ndarray, second: np.ndarray) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Pairs whose hashes differ in few signs, as blocks of rows and columns; a product of matrices counts the signs."""
    least = first.shape[1] * (1 - 2 * MOST_DIFFERENT_SIGNS)
    right = second.astype(np.float32).T
    for start in range(0, len(first), CHUNK):
        rows, columns = np.nonzero(first[start : start + CHUNK].astype(np.float32) @ right >= least)
        for block in range(0, len(rows), BLOCK):
            yield start + rows[block : block + BLOCK], columns[block : block + BLOCK]


def _standardised(thumbnails: np.ndarray) -> np.ndarray:
    """Float32 ``[N, SIDE ** D]`` of mean 0 and length 1; zeros where there is nothing to compare."""
    values = thumbnails.reshape(len(thumbnails), -1).astype(np.float32)
    values -= values.mean(1, keepdims=True)
    values[values.std(1) < FLAT] = 0
    units: np.ndarray = values / np.maximum(np.linalg.norm(values, axis=1, keepdims=True), 1e-6)
    return units


def _average(values: np.ndarray, axis: int) -> np.ndarray:
    """``values`` averaged along ``axis`` over SIDE parts of nearly one length; samples repeat where there are fewer."""
    length = values.shape[axis]
    edges = np.arange(SIDE + 1) * length // SIDE
    counts = np.maximum(np.diff(edges), 1).astype(np.float32)
    sums = np.add.reduceat(values, edges[:-1], axis=axis)
    means: np.ndarray = sums / counts.reshape((-1,) + (1,) * (values.ndim - axis - 1))
    return means
