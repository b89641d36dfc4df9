"""Measures of objects beside counting, in any number of dimensions."""

import math

import numpy as np
import pytest

from maskrcnn.association.fields import Field
from maskrcnn.association.measures import elongation, measure_objects, table_of

SIZE = ("volume", "mm3")


@pytest.mark.parametrize("shape, spacing", [((30,), (0.5,)), ((9, 8), (1.0, 2.0)), ((6, 7, 5), (1.0, 2.0, 3.0))])
def test_measures_are_what_counting_gives(shape, spacing):
    random = np.random.default_rng(0)
    samples = random.normal(size=(1, *shape)).astype(np.float32)
    masks = [random.random(shape) > 0.7, random.random(shape) > 0.5]
    found = measure_objects(Field(samples, spacing), {"cell": masks, "none": []}, SIZE)
    counted = [[samples[0][index] for index in np.ndindex(*shape) if mask[index]] for mask in masks]
    sizes = [len(values) for values in counted]
    means = [sum(values) / len(values) for values in counted]
    assert found["cell", "count", ""] == 2
    assert found["cell", "volume", "mm3"] == pytest.approx(sum(sizes) * math.prod(spacing))
    weighted = sum(s * m for s, m in zip(sizes, means)) / sum(sizes)
    assert found["cell", "intensity", ""] == pytest.approx(weighted, rel=1e-4)
    spread = [math.sqrt(sum((v - m) ** 2 for v in values) / len(values)) for values, m in zip(counted, means)]
    assert found["cell", "contrast", ""] == pytest.approx(
        sum(s * d for s, d in zip(sizes, spread)) / sum(sizes), rel=1e-4
    )
    assert found["none", "count", ""] == found["none", "volume", "mm3"] == 0
    assert math.isnan(found["none", "intensity", ""])


def test_elongation_is_of_the_axes_in_the_scan_s_own_unit():
    ball = np.linalg.norm(np.indices((15, 15, 15)) - 7, axis=0) < 6
    assert elongation(ball, (1, 1, 1)) == pytest.approx(1, abs=1e-6)
    assert elongation(ball, (1, 1, 2)) == pytest.approx(2, abs=1e-6)
    assert elongation(np.ones((1, 12), dtype=bool), None) == pytest.approx(12)
    assert elongation(np.ones(9, dtype=bool), (0.1,)) == 1


def test_what_a_file_lacks_is_no_object_and_what_is_the_same_in_all_is_left_out():
    one = {("a", "count", ""): 1.0, ("a", "volume", "mm3"): 8.0, ("a", "intensity", ""): 3.0}
    two = {**one, ("a", "intensity", ""): 4.0, ("b", "count", ""): 2.0, ("b", "intensity", ""): 9.0}
    table = table_of([one, two])
    assert table.names == (("a", "intensity", ""), ("b", "count", ""), ("b", "intensity", ""))
    assert table.values[:, 1].tolist() == [0, 2] and math.isnan(table.values[0, 2])
