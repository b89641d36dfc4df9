"""The turn to canonical axes, against nibabel's rule and against the places of single voxels."""

from __future__ import annotations

from itertools import permutations, product
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from maskrcnn.errors import DataError
from maskrcnn.modalities.volumes.orientation import turn_to_canonical

nibabel = pytest.importorskip("nibabel")
FILE = Path("scan.nii")
SHAPE = (2, 3, 4)
CUBES = [(axes, signs) for axes in permutations(range(3)) for signs in product((1, -1), repeat=3)]


def affine_of(axes, signs, lengths=(1.0, 2.0, 3.0), origin=(-7.0, 5.0, 30.0)):
    """Axis c of the file runs along world axis ``axes[c]``."""
    affine = np.eye(4)
    affine[:3, :3] = 0
    for column, (axis, sign, length) in enumerate(zip(axes, signs, lengths)):
        affine[axis, column] = sign * length
    affine[:3, 3] = origin
    return affine


def places(array, affine):
    """World place of each value of an array [k, j, i], one by one."""
    return {int(array[index]): tuple(np.round(affine @ [*index[::-1], 1], 6)[:3]) for index in np.ndindex(array.shape)}


@pytest.mark.parametrize("axes, signs", CUBES)
def test_every_order_of_axes_is_turned_and_keeps_its_places(axes, signs):
    array = np.arange(24).reshape(SHAPE)
    affine = affine_of(axes, signs)
    turn, turned, spacing = turn_to_canonical(affine, SHAPE, FILE)
    assert places(turn.apply(array), turned) == places(array, affine)
    assert (turned[:3, :3] == np.diag(spacing)).all() and min(spacing) > 0
    assert [spacing[axis] for axis in axes] == [1, 2, 3]
    assert (turn.undo(turn.apply(array)) == array).all()


@settings(max_examples=300, deadline=None)
@given(st.lists(st.floats(-1, 1), min_size=9, max_size=9), st.lists(st.floats(0.1, 10), min_size=3, max_size=3))
def test_oblique_affines_are_turned_as_nibabel_turns_them(numbers, lengths):
    affine = np.eye(4)
    affine[:3, :3] = np.reshape(numbers, (3, 3))
    norms = np.linalg.norm(affine[:3, :3], axis=0)
    if norms.min() < 0.01 or np.linalg.svd(affine[:3, :3] / norms, compute_uv=False).min() < 0.01:
        return
    affine[:3, :3] *= lengths / norms
    affine[:3, 3] = 4, 5, 6
    own = nibabel.io_orientation(affine)
    image = nibabel.Nifti1Image(np.arange(24, dtype=np.int16).reshape(SHAPE).T, affine)
    expected = image.as_reoriented(own)
    turn, turned, spacing = turn_to_canonical(affine, SHAPE, FILE)
    np.testing.assert_array_equal(turn.apply(np.asarray(image.dataobj).T), np.asarray(expected.dataobj).T)
    np.testing.assert_allclose(turned, expected.affine, atol=1e-9)
    np.testing.assert_allclose(spacing, nibabel.affines.voxel_sizes(expected.affine))


@pytest.mark.parametrize("change, words", [
    (lambda a: a.__setitem__((0, 0), np.nan), "not finite"),
    (lambda a: a.__setitem__((2, 3), np.inf), "not finite"),
    (lambda a: a.__setitem__((slice(0, 3), 1), 0), "no length"),
    (lambda a: a.__setitem__((slice(0, 3), 1), a[:3, 0]), "the same way"),
    (lambda a: a.__setitem__((3, 0), 1), "last row"),
])  # fmt: skip
def test_an_affine_that_says_no_place_is_refused(change, words):
    affine = affine_of((0, 1, 2), (1, 1, 1))
    change(affine)
    with pytest.raises(DataError, match=f"scan.nii.*{words}"):
        turn_to_canonical(affine, SHAPE, FILE)
