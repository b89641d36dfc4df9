"""Polygons that cross themselves, against a search through all pairs of edges."""

import numpy as np
import pytest

from maskrcnn.masks.self_crossings import crosses_itself, loops_matter, signed_area

SQUARE = np.array([[0, 0], [20, 0], [20, 20], [0, 20]], float)
BOW = SQUARE[[0, 2, 1, 3]]


def slow_crosses(points):
    """Whether any two edges have one point in common that is inside of both."""
    n = len(points)
    for i in range(n):
        for j in range(i + 1, n):
            (a, b), (c, d) = (points[i], points[(i + 1) % n]), (points[j], points[(j + 1) % n])
            matrix = np.stack([b - a, c - d], 1)
            if abs(np.linalg.det(matrix)) > 1e-12:
                s, t = np.linalg.solve(matrix, c - a)
                if 1e-9 < s < 1 - 1e-9 and 1e-9 < t < 1 - 1e-9:
                    return True
    return False


@pytest.mark.parametrize("count", [3, 4, 5, 6, 8])
def test_random_polygons_cross_as_a_slow_search_says(count):
    generator = np.random.default_rng(count)
    answers = []
    for _ in range(60):
        points = generator.uniform(0, 50, (count, 2))
        answers.append(crosses_itself(points))
        assert answers[-1] == slow_crosses(points)
    assert any(answers) == (count > 3)


def test_touching_and_repeated_points_are_no_crossing():
    keyhole = np.array([[0, 0], [9, 0], [9, 9], [5, 9], [5, 5], [4, 5], [5, 5], [5, 9], [0, 9]], float)
    assert not crosses_itself(keyhole)
    assert not crosses_itself(np.repeat(SQUARE, 2, axis=0))
    assert not crosses_itself(SQUARE[:2])


def test_areas_of_loops_that_go_round_the_other_way_cancel():
    assert abs(signed_area(SQUARE)) == pytest.approx(400)
    assert signed_area(SQUARE) == -signed_area(SQUARE[::-1])
    assert signed_area(BOW) == pytest.approx(0)


def test_a_bow_matters_and_a_little_loop_does_not():
    assert loops_matter(BOW, covered=200)
    looped = np.array([[0, 0], [40, 0], [40, 40], [19, 40], [21, 41], [21, 40], [19, 41], [0, 40]], float)
    assert crosses_itself(looped)
    assert not loops_matter(looped, covered=1600)
    assert not loops_matter(SQUARE, covered=400)
