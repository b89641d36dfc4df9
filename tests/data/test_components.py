"""Connected parts are those that a patient flood finds, one sample after another."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from cases import few
from maskrcnn.data.components import connected_parts

CORNERS = pytest.mark.parametrize("corners", [False, True])
ARRAYS = array_shapes(min_dims=1, max_dims=3, max_side=7).flatmap(
    lambda shape: arrays(np.uint8, shape, elements=st.integers(0, 2))
)


def flooded(values: np.ndarray, corners: bool) -> np.ndarray:
    """Part numbers, one flood after another."""
    parts = np.zeros(values.shape, dtype=np.int64)
    for first in np.ndindex(values.shape):
        if values[first] == 0 or parts[first]:
            continue
        number, front = parts.max() + 1, [first]
        while front:
            here = front.pop()
            if parts[here] or values[here] != values[first]:
                continue
            parts[here] = number
            for step in itertools.product((-1, 0, 1), repeat=values.ndim):
                there = tuple(a + d for a, d in zip(here, step))
                near = corners or sum(map(abs, step)) == 1
                if near and all(0 <= a < side for a, side in zip(there, values.shape)):
                    front.append(there)
    return parts


@CORNERS
@few
@given(values=ARRAYS)
def test_connected_parts_are_those_of_a_flood(corners: bool, values: np.ndarray) -> None:
    assert np.array_equal(connected_parts(values, corners), flooded(values, corners))
    assert np.array_equal(connected_parts(values > 0, corners), flooded(values > 0, corners))


@CORNERS
@pytest.mark.parametrize("dtype", [bool, np.uint16, np.int64])
def test_of_any_type_and_layout(corners: bool, dtype: type) -> None:
    values = np.random.default_rng(0).integers(0, 3, (9, 8, 13)).astype(dtype)
    for seen in (values, values.transpose(2, 0, 1)[:, ::-1], values[::2, :, 1:-1]):
        parts = connected_parts(seen, corners)
        assert parts.dtype == np.int32 and np.array_equal(parts, flooded(seen, corners))


def test_a_long_snake_is_one_part() -> None:
    snake = np.zeros((41, 41), dtype=np.uint8)
    snake[::2] = 1
    snake[1::4, -1] = snake[3::4, 0] = 1
    for seen in (snake, snake.T, np.stack([snake, 0 * snake, snake])):
        assert connected_parts(seen).max() == (2 if seen.ndim == 3 else 1)


def test_a_diagonal_holds_together_at_its_corners_only() -> None:
    diagonal = np.zeros((5, 5, 5), dtype=bool)
    np.einsum("iii->i", diagonal)[:] = True
    assert connected_parts(diagonal).max() == 5
    assert connected_parts(diagonal, corners=True).max() == 1
    assert connected_parts(np.eye(4)[:, ::-1], corners=True).max() == 1


def test_the_end_of_a_row_does_not_touch_the_beginning_of_the_next() -> None:
    values = np.array([[0, 0, 1], [1, 0, 0], [0, 0, 1], [1, 0, 0]])
    for corners in (False, True):
        assert connected_parts(values, corners).max() == 4


def test_nothing_has_no_parts() -> None:
    for shape in ((0,), (3, 0), (0, 3, 4)):
        assert connected_parts(np.zeros(shape)).shape == shape
    assert not connected_parts(np.zeros((3, 4), bool)).any()
