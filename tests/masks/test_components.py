"""Connected parts are those that a patient flood finds, one sample after another."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from cases import few
from maskrcnn.masks.components import connected_parts
from naive import flooded

CORNERS = pytest.mark.parametrize("corners", [False, True])
ARRAYS = array_shapes(min_dims=1, max_dims=3, max_side=7).flatmap(
    lambda shape: arrays(np.uint8, shape, elements=st.integers(0, 2))
)


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
