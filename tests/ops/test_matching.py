"""Matching against its twin; sampling keeps its counts and follows from its generator."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import naive
from cases import NDIMS, SHAPES, few, random_boxes, seeded
from maskrcnn.ops import matching
from maskrcnn.ops.matching import BELOW, BETWEEN, match, match_boxes, sample

# few different values, so that ties and values just at a threshold are common
OVERLAPS = hnp.arrays(
    "float64", st.tuples(st.integers(0, 4), st.integers(0, 6)), elements=st.sampled_from([0, 0.3, 0.5, 0.7, 0.9])
)


@few
@given(OVERLAPS, st.booleans())
def test_match_is_that_of_the_twin(overlaps, keep_best):
    matched = match(torch.from_numpy(overlaps), 0.7, 0.3, keep_best)
    assert matched.dtype == torch.int64
    assert matched.tolist() == naive.match(overlaps.tolist(), overlaps.shape[1], 0.7, 0.3, keep_best)


def test_the_twin_has_the_same_answers():
    assert (matching.BELOW, matching.BETWEEN) == (naive.BELOW, naive.BETWEEN)


def test_match_knows_matches_and_two_kinds_of_none():
    overlaps = torch.tensor([[0.1, 0.3, 0.6, 0.7], [0.2, 0.4, 0.1, 0.8]])
    assert match(overlaps, 0.7, 0.3).tolist() == [BELOW, BETWEEN, BETWEEN, 1]


def test_keep_best_gives_every_object_its_best_predictions():
    overlaps = torch.tensor([[0.2, 0.2, 0.1], [0.0, 0.0, 0.05]])
    assert match(overlaps, 0.7, 0.3).tolist() == [BELOW] * 3
    # the last is the best for the second object, but overlaps the first more
    assert match(overlaps, 0.7, 0.3, keep_best=True).tolist() == [0, 0, 0]


def test_keep_best_finds_no_best_for_an_object_that_nothing_overlaps():
    overlaps = torch.tensor([[0.0, 0.0, 0.0], [0.0, 0.8, 0.0]])
    assert match(overlaps, 0.7, 0.3, keep_best=True).tolist() == [BELOW, 1, BELOW]


@pytest.mark.parametrize("keep_best", [False, True])
def test_without_objects_nothing_matches(keep_best):
    assert match(torch.zeros(0, 3), 0.7, 0.3, keep_best).tolist() == [BELOW] * 3
    assert match(torch.zeros(2, 0), 0.7, 0.3, keep_best).shape == (0,)


@NDIMS
@pytest.mark.parametrize("pairs", [1, 12, 10_000])
@pytest.mark.parametrize("keep_best", [False, True])
def test_objects_that_come_a_few_at_a_time_match_as_all_together(ndim, pairs, keep_best, monkeypatch):
    monkeypatch.setattr(matching, "PAIRS_AT_ONCE", pairs)
    objects, boxes = random_boxes(7, SHAPES[ndim]), random_boxes(40, SHAPES[ndim], seed=1)
    objects = torch.cat([objects, objects[:2]])  # two equal ones: the first has the match
    overlaps = [[naive.iou(a, b) for b in boxes.tolist()] for a in objects.tolist()]
    found = match_boxes(objects, boxes, 0.5, 0.2, keep_best)
    assert found.tolist() == naive.match(overlaps, 40, 0.5, 0.2, keep_best)
    assert match_boxes(objects[:0], boxes, 0.5, 0.2, keep_best).tolist() == [BELOW] * 40
    assert match_boxes(objects, boxes[:0], 0.5, 0.2, keep_best).shape == (0,)


MASK = st.lists(st.booleans(), max_size=40)


@few
@given(MASK, st.integers(0, 30), st.sampled_from([0.0, 0.25, 0.5, 1.0]), st.integers(0, 9))
def test_sample_draws_as_many_as_it_may(is_positive, count, fraction, seed):
    positive = torch.tensor(is_positive, dtype=torch.bool)
    chosen, others = sample(positive, ~positive, count, fraction, seeded(seed))
    assert len(chosen) == min(int(count * fraction), int(positive.sum()))
    assert len(others) == min(count - len(chosen), int((~positive).sum()))
    assert positive[chosen].all()
    assert not positive[others].any()
    for indices in (chosen.tolist(), others.tolist()):
        assert indices == sorted(set(indices))


def test_what_is_neither_positive_nor_negative_is_never_drawn():
    positive, negative = torch.zeros(2, 50, dtype=torch.bool)
    positive[:5], negative[40:] = True, True
    chosen, others = sample(positive, negative, 100, 0.5, seeded())
    assert chosen.tolist() == list(range(5))
    assert others.tolist() == list(range(40, 50))


def test_a_draw_follows_from_its_generator_alone():
    positive = torch.arange(100) < 50
    draws = [torch.cat(sample(positive, ~positive, 20, 0.5, seeded(seed))).tolist() for seed in (1, 1, 2)]
    assert draws[0] == draws[1]
    assert draws[0] != draws[2]


def test_every_member_is_drawn_equally_often():
    positive = torch.ones(6, dtype=torch.bool)
    generator = seeded()
    drawn = torch.cat([sample(positive, ~positive, 2, 1.0, generator)[0] for _ in range(600)])
    assert (drawn.bincount(minlength=6) - 200).abs().max() < 50
