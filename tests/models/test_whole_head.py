"""The head for labels of whole files: its twin, what adds up, padding, tiles, and its loss."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import naive
from cases import NDIMS, seeded, small_model
from maskrcnn.config import WholeHeadConfig
from maskrcnn.losses.objective import Objective
from maskrcnn.models.head import Place
from maskrcnn.models.heads.whole import whole_loss
from maskrcnn.models.whole.evidence import WholeEvidence, joined
from maskrcnn.regions import AxisMap
from maskrcnn.structures import Instances, batch_images


def whole_model(ndim, kind="labels", **changes):
    head = WholeHeadConfig(kind, width=8, stride=2, **changes)
    return small_model(ndim, finds_objects=False, mask_head=None, whole_head=head).eval()


def evidence_of(model, images):
    with torch.inference_mode():
        found = model(images)
    return [own.of_image["whole"] for own in found]


@NDIMS
def test_contributions_are_those_of_the_twin_and_add_up_to_the_logit(ndim):
    model = whole_model(ndim)
    torch.nn.init.normal_(model.heads["whole"].attention.weight, generator=seeded(1))
    images = batch_images([torch.randn(1, *(24 - 4 * k,) * ndim, generator=seeded(k)) for k in range(2)], 8)
    for own in evidence_of(model, images):
        assert own.scores.shape[:2] == (9, 2)  # the model and eight resampled ones, two labels
        contributions, logits = own.contributions()[0], own.logits()[0]
        for label in range(2):
            parts, (total,) = naive.pooled_by_attention(own.scores[0, label].numpy(), own.attention[0, label].numpy())
            torch.testing.assert_close(contributions[label].flatten(), torch.tensor(parts), rtol=1e-4, atol=1e-6)
            assert math.isclose(float(logits[label]), total, rel_tol=1e-4, abs_tol=1e-5)
            assert math.isclose(float(contributions[label].sum()), float(logits[label]), rel_tol=1e-5, abs_tol=1e-6)


@NDIMS
def test_what_pads_a_batch_has_no_part_in_a_file(ndim):
    small, large = (torch.randn(1, *(side,) * ndim, generator=seeded(side)) for side in (16, 24))
    alone, beside = whole_model(ndim), whole_model(ndim)
    own = evidence_of(alone, batch_images([small], 8))[0]
    batch = batch_images([small, large], 8)
    padded = evidence_of(beside, batch)[0]
    assert own.scores.shape == padded.scores.shape == (9, 2, *(8,) * ndim)


@settings(deadline=None)
@given(st.integers(1, 40), st.integers(0, 2**16))
def test_the_sum_of_the_contributions_is_the_logit_of_any_file(places, seed):
    scores, attention = torch.randn(2, 3, 2, places, generator=seeded(seed)) * 4
    own = WholeEvidence(scores, attention, (4.0,), (4 * places,), "labels")
    torch.testing.assert_close(own.contributions().sum(-1), own.logits())
    low, high = scores.amin(-1), scores.amax(-1)
    assert ((own.logits() >= low - 1e-4) & (own.logits() <= high + 1e-4)).all()


@NDIMS
def test_tiles_are_pooled_over_the_whole_file(ndim):
    """Cut into tiles that overlap by whole places, a file says what it says as a whole."""
    shape = (8, *(6,) * (ndim - 1))
    scores, attention = torch.randn(2, 2, 3, *shape, generator=seeded(3))
    whole = WholeEvidence(scores, attention, (2.0,) * ndim, tuple(2 * side for side in shape), "labels")
    rest = tuple(slice(0, 2 * side) for side in shape[1:])
    parts, slices = [], []
    for first, last in ((0, 5), (3, 8)):
        cut = (slice(None), slice(None), slice(first, last))
        parts.append(WholeEvidence(scores[cut], attention[cut], (2.0,) * ndim, whole.spatial_shape, "labels"))
        slices.append((slice(2 * first, 2 * last), *rest))
    together = joined(parts, slices, whole.spatial_shape)
    torch.testing.assert_close(together.scores, scores)
    torch.testing.assert_close(together.logits(), whole.logits())


@NDIMS
def test_a_file_of_another_size_keeps_its_places(ndim):
    model = whole_model(ndim)
    head = model.heads["whole"]
    own = head.evidence(torch.zeros(1, 2, *(4,) * ndim), torch.zeros(1, 2, *(4,) * ndim), (8,) * ndim)
    found = Instances(torch.zeros(0, 2 * ndim), of_image={"whole": own})
    head.to_file(found, Place(AxisMap((3.0,) * ndim, (0.0,) * ndim), (24,) * ndim, 0.5))
    assert found.of_image["whole"].cell == (6.0,) * ndim and found.of_image["whole"].spatial_shape == (24,) * ndim
    values = found.of_image["whole"].read(torch.ones(1, *(4,) * ndim))
    assert values.shape == (1, *(24,) * ndim) and (values == 1).all()


@NDIMS
@pytest.mark.parametrize("kind", ["classes", "labels", "number"])
def test_one_file_is_learned_by_heart(ndim, kind):
    torch.manual_seed(0)
    model = whole_model(ndim, kind).train()
    images = batch_images([torch.randn(1, *(16,) * ndim, generator=seeded(k)) for k in range(2)], 8)
    wanted = [torch.tensor([0.7]), torch.tensor([-0.4])] if kind == "number" else list(torch.eye(2))
    targets = [Instances(torch.zeros(0, 2 * ndim), file_labels=own) for own in wanted]
    objective, losses = Objective(model), []
    optimizer = torch.optim.Adam(model.parameters(), 1e-2)
    for _ in range(15):
        optimizer.zero_grad()
        loss = objective(images, targets, [0, 1])["loss_whole"].mean()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < 0.7 * losses[0]


def test_the_loss_is_that_of_the_twin_and_passes_over_what_nobody_said():
    logits = torch.tensor([[0.5, -1.0], [2.0, 0.3]])
    targets = [torch.tensor([1.0, 0.0]), torch.tensor([torch.nan, 1.0])]
    sigmoid = lambda x: 1 / (1 + math.exp(-x))  # noqa: E731
    each = [-math.log(sigmoid(0.5)), -math.log(1 - sigmoid(-1.0)), -2 * math.log(sigmoid(0.3))]
    term = whole_loss(logits, targets, WholeHeadConfig("labels"), (1.0, 2.0))
    assert term.count == 3 and math.isclose(float(term.total), sum(each), rel_tol=1e-5)
    term = whole_loss(logits, [targets[0], None], WholeHeadConfig("classes"), ())
    assert term.count == 1
    assert math.isclose(float(term.total), -0.5 + math.log(math.exp(0.5) + math.exp(-1)), rel_tol=1e-5)
    term = whole_loss(
        logits[:, :1], [torch.tensor([3.0]), torch.tensor([9.0])], WholeHeadConfig("number", mean=3, deviation=2)
    )
    assert math.isclose(float(term.total), 0.5 * 0.5**2 + 0.5 * 1.0**2, rel_tol=1e-5)


@settings(deadline=None)
@given(st.lists(st.tuples(st.sampled_from([0.0, 0.25, 0.5, 1.0]), st.booleans()), min_size=2, max_size=30))
def test_auc_is_that_of_the_twin(pairs):
    from maskrcnn.evaluation.whole import auc

    scores, positive = np.array([a for a, _ in pairs]), np.array([b for _, b in pairs])
    value = auc(scores, positive)
    if positive.all() or not positive.any():
        assert value is None
    else:
        assert math.isclose(value, naive.area_under_roc(scores.tolist(), positive.tolist()), abs_tol=1e-12)
