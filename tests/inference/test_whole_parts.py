"""Parts from contributions: what is found, with which share, and from which strength on."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from cases import NDIMS, small_config
from maskrcnn.config import WholeHeadConfig
from maskrcnn.inference.whole_extent import LOST, one_by_one, round_the_strongest
from maskrcnn.inference.whole_parts import choose_thresholds, with_whole_parts
from maskrcnn.model_info import ModelInfo
from maskrcnn.models.whole.evidence import WholeEvidence
from maskrcnn.planning.starting.whole_files import BASES, telling_words, words_in
from maskrcnn.structures import Instances


def info_of(ndim, kind="labels"):
    config = {"finds_objects": False, "mask_head": None, "whole_head": WholeHeadConfig(kind)}
    return ModelInfo(small_config(ndim, **config), ("disc", "brick"))


def found_with(ndim, strong, kind="labels", sign=1.0):
    """Two labels on 8 places an axis; the first is told by the places of ``strong``."""
    scores, attention = torch.full((2, 2, *(8,) * ndim), -0.1), torch.zeros(2, 2, *(8,) * ndim)
    for where in strong:
        scores[(slice(None), 0, *where)], attention[(slice(None), 0, *where)] = sign * 4.0, 3.0
    scores[:, 1] = -4.0
    own = WholeEvidence(scores, attention, (2.0,) * ndim, (16,) * ndim, kind)
    return Instances(torch.zeros(0, 2 * ndim), of_image={"whole": own})


@NDIMS
def test_strong_places_are_parts_with_their_share(ndim):
    strong = [(slice(1, 3),) * ndim, (slice(5, 7),) * ndim]
    parts = with_whole_parts(found_with(ndim, strong), info_of(ndim))
    positive = parts[parts.outputs["share"] > 0]
    assert len(positive) == 2 and positive.labels.tolist() == [1, 1]
    assert abs(float(positive.outputs["share"].sum()) - 1) < 0.05
    for box in positive.boxes.tolist():
        low, high = box[:ndim], box[ndim:]
        assert all(abs(a - b) <= 1 for a, b in zip(low, [2 if low[0] < 8 else 10] * ndim))
        assert all(abs(a - b) <= 1 for a, b in zip(high, [6 if low[0] < 8 else 14] * ndim))
    ranges = torch.stack([positive.outputs[name] for name in ("share_low", "share", "share_high")])
    assert (ranges[:-1] <= ranges[1:] + 1e-6).all()


def test_a_file_without_the_label_has_no_part():
    parts = with_whole_parts(found_with(1, []), info_of(1))
    assert len(parts) == 0 and parts.regions is not None


def test_a_number_has_parts_for_and_against():
    found = found_with(1, [(slice(1, 3),)], "number")
    own = found.of_image["whole"]
    own.scores[:, 0, 5:7], own.attention[:, 0, 5:7] = -3.0, 3.0
    parts = with_whole_parts(found, info_of(1, "number"))
    assert sorted(np.sign(parts.outputs["share"].numpy()).tolist()) == [-1.0, 1.0]


def test_the_threshold_lies_between_files_with_and_without_the_label():
    def evidence(peak):
        return WholeEvidence(torch.full((1, 1, 4), peak), torch.zeros(1, 1, 4), (1.0,), (4,), "labels")

    peaks, labels = [3.0, 2.0, 0.5, 1.0], [[1], [1], [0], [0]]
    chosen = choose_thresholds([evidence(p) for p in peaks], [np.array(label, float) for label in labels])
    assert chosen == [1.5 / 4]  # of four places alike
    assert choose_thresholds([evidence(1.0)], [np.array([1.0])]) == [0.0]


@pytest.mark.parametrize("seed", range(3))
def test_the_word_that_tells_the_labels_apart_is_found(seed):
    random = np.random.default_rng(seed)
    word, presence, labels = [int(k) for k in random.integers(0, 4, 7)], [], []
    for k in range(80):
        bases = random.integers(0, 4, 120)
        if k % 2:
            at = random.integers(0, 113)
            bases[at : at + 7] = word
        presence.append(words_in(torch.eye(4)[torch.from_numpy(bases)].T))
        labels.append([k % 2])
    found = telling_words(np.stack(presence), np.array(labels), 4)
    assert found[0] == sum(base * len(BASES) ** (6 - k) for k, base in enumerate(word))


def test_neighbours_of_one_label_are_one_part_where_they_lie_close():
    parts = [(3, 1, 0, 10), (0, 1, 22, 32), (1, 1, 80, 90), (2, -1, 12, 20)]
    assert one_by_one(parts) == [(0, 1, 0, 32), (1, 1, 80, 90), (2, -1, 12, 20)]
    assert one_by_one([]) == []


@pytest.mark.parametrize(
    ("falls", "stretch"),
    [
        ([0, 0, 1, 1, 0.5, 0, 0, 0, 0, 0, 0.9, 0.9], (2, 5)),  # what lies far off is not of the part
        ([0, 0.9, 0.9, 0, 0, 0, 1, 1, 0], (1, 8)),  # two halves are, as near as one and a half of the shorter
        ([-3, -1, 0.1, 1, 0.1, -2], (3, 4)),
        ([1], (0, 1)),
    ],
)
def test_a_part_is_what_lies_round_the_largest_fall(falls, stretch):
    assert round_the_strongest(np.array(falls, float)) == stretch


@given(st.lists(st.floats(-1, 1), min_size=1, max_size=40))
def test_a_part_begins_and_ends_where_something_falls(falls):
    falls = np.array([*falls, 1.5])
    first, last = round_the_strongest(falls)
    assert first <= falls.argmax() < last
    assert falls[first] >= LOST * 1.5 and falls[last - 1] >= LOST * 1.5
