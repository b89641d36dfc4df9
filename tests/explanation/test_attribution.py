"""Gradients of faded images against differences taken by hand and hiding block by block."""

import copy

import numpy as np
import pytest
import torch

from cases import NDIMS, small_model
from maskrcnn.errors import UsageError
from maskrcnn.explanation.attribution import PATCH, Attribution, class_log_odds, fadings, smooth
from maskrcnn.explanation.evidence import explain
from maskrcnn.structures import batch_images

SHAPES = {1: (64,), 2: (24, 32), 3: (16, 8, 16)}


def case(ndim, dtype=torch.float64):
    """A model of random weights, an image and a box in it."""
    model = small_model(ndim).eval().to(dtype)
    torch.manual_seed(ndim)
    images = batch_images([torch.randn(1, *SHAPES[ndim], dtype=dtype)], 8)
    sides = SHAPES[ndim][::-1]
    box = torch.tensor([0.2 * side for side in sides] + [0.8 * side for side in sides], dtype=dtype)
    return model, images, box


def hidden_block_by_block(attribution, box, label, block):
    """The slow, obvious twin: by how much the log odds fall when one block after another is blank, ``[*cells]``."""
    image = attribution.tensor
    whole = attribution.log_odds(box, label)
    cells = [side // block for side in image.shape[2:]]
    falls = np.zeros(cells)
    for cell in np.ndindex(*cells):
        attribution.tensor = image.clone()
        attribution.tensor[(slice(None), slice(None), *(slice(c * block, (c + 1) * block) for c in cell))] = 0
        falls[cell] = whole - attribution.log_odds(box, label)
    attribution.tensor = image
    return falls


def rank_correlation(a, b):
    """Spearman's, of arrays without many ties."""
    ranks = [values.ravel().argsort(kind="stable").argsort(kind="stable") for values in (a, b)]
    return np.corrcoef(*ranks)[0, 1]


def block_sums(heat, block):
    array = heat.double().numpy()
    for axis in range(array.ndim):
        split = (*array.shape[:axis], -1, block, *array.shape[axis + 1 :])
        array = array.reshape(split).sum(axis + 1)
    return array


@NDIMS
def test_it_is_the_mean_slope_of_faded_images_times_the_sample(ndim):
    model, images, box = case(ndim)
    heat = Attribution(model, images).heat(box, 2, steps=2, smoothing=0).flatten()
    side = float((box[ndim:] - box[:ndim]).log().mean().exp())
    slopes = np.zeros(len(heat))
    asked, tiny = range(0, len(heat), len(heat) // 7), 1e-6
    for left in fadings(SHAPES[ndim], PATCH * side, 2):
        faded = Attribution(model, type(images)(images.tensor * left, images.spatial_shapes))
        flat = faded.tensor.view(-1)
        for k in asked:
            value, odds = float(flat[k]), []
            for moved in (value + tiny, value - tiny):
                flat[k] = moved
                odds.append(faded.log_odds(box, 2))
            flat[k] = value
            slopes[k] += (odds[0] - odds[1]) / (2 * tiny) / 2
    for k in asked:
        expected = slopes[k] * float(images.tensor.view(-1)[k])
        assert float(heat[k]) == pytest.approx(expected, rel=1e-3, abs=1e-9)


@NDIMS
def test_images_fade_from_nearly_blank_to_nearly_whole_in_patches(ndim):
    steps = list(fadings(SHAPES[ndim], 4.0, 8))
    means = [float(left.mean()) for left in steps]
    assert means == sorted(means) and means[0] < 0.25 and means[-1] > 0.75
    assert all(left.shape == SHAPES[ndim] and left.min() >= 0 and left.max() <= 1 for left in steps)
    neighbours = torch.stack([steps[3].flatten()[:-1], steps[3].flatten()[1:]])
    assert torch.corrcoef(neighbours)[0, 1] > 0.7
    assert all(torch.equal(a, b) for a, b in zip(steps, fadings(SHAPES[ndim], 4.0, 8)))


@NDIMS
def test_the_map_ranks_places_much_as_hiding_them_one_by_one_does(ndim, learned):
    known, block = learned(ndim), {1: 4, 2: 8, 3: 8}[ndim]
    correlations = []
    for image in known.images[:3]:
        found = known.predictor(image)
        attribution = Attribution(known.predictor.model, batch_images([image], 8))
        for box, label in zip(found.boxes, found.labels.tolist()):
            slow = hidden_block_by_block(attribution, box, label, block)
            fast = block_sums(attribution.heat(box, label), block)
            correlations.append(rank_correlation(fast, slow))
    assert len(correlations) >= 4
    assert np.mean(correlations) > 0.35, correlations


def test_the_model_stays_as_it_is_and_inference_mode_does_not_matter():
    model, images, box = case(2, torch.float32)
    before = copy.deepcopy(model.state_dict())
    asked = [parameter.requires_grad for parameter in model.parameters()]
    plain = Attribution(model, images).heat(box, 1)
    with torch.inference_mode():
        born_inside = batch_images([images.tensor[0] * 1], 8)
        born_inside.spatial_shapes = images.spatial_shapes
        assert born_inside.tensor.is_inference()
        inside = Attribution(model, born_inside).heat(box * 1, 1)
    assert torch.equal(plain, inside)
    assert not plain.requires_grad
    assert all(parameter.grad is None for parameter in model.parameters())
    assert asked == [parameter.requires_grad for parameter in model.parameters()]
    assert not any(module.training for module in model.modules())
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())


def test_frozen_weights_are_no_obstacle():
    model, images, box = case(2)
    expected = Attribution(model, images).heat(box, 1)
    assert torch.equal(Attribution(model.requires_grad_(False), images).heat(box, 1), expected)


def test_a_model_in_training_or_two_images_are_refused():
    model, images, _ = case(2)
    with pytest.raises(ValueError, match="evaluation mode"):
        Attribution(model.train(), images)
    with pytest.raises(ValueError, match="one image"):
        Attribution(model.eval(), batch_images([images.tensor[0]] * 2, 8))


def test_a_model_that_cannot_be_differentiated_says_so():
    with torch.inference_mode():
        model = small_model(2).eval()
    with pytest.raises(UsageError, match="load it outside"):
        Attribution(model, batch_images([torch.zeros(1, 24, 32)], 8))


def test_log_odds_are_those_of_the_probability():
    logits = torch.randn(5, 4, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    labels = torch.tensor([0, 1, 2, 3, 1])
    p = logits.softmax(1).gather(1, labels[:, None])[:, 0]
    torch.testing.assert_close(class_log_odds(logits, labels), (p / (1 - p)).log())


def test_log_odds_have_a_gradient_where_the_probability_has_none():
    logits = torch.tensor([[0.0, 200.0]], requires_grad=True)
    class_log_odds(logits, torch.tensor([1])).sum().backward()
    assert logits.grad.tolist() == [[-1.0, 1.0]]


@NDIMS
def test_smoothing_is_a_sum_over_neighbours_weighted_by_distance(ndim):
    shape = {1: (30,), 2: (20, 23), 3: (17, 18, 19)}[ndim]
    heat = torch.zeros(shape, dtype=torch.float64)
    middle = tuple(side // 2 for side in shape)
    heat[middle] = 1.0
    smoothed = smooth(heat, 1.5)
    assert float(smoothed.sum()) == pytest.approx(1)
    weights = np.exp(-0.5 * (np.arange(-4, 5) / 1.5) ** 2)
    weights /= weights.sum()
    for step in np.ndindex(*(3,) * ndim):
        place = tuple(m + s for m, s in zip(middle, step))
        assert float(smoothed[place]) == pytest.approx(np.prod([weights[4 + s] for s in step]))
    torch.testing.assert_close(smooth(torch.ones(shape), 1.5), torch.ones(shape))


def test_a_map_is_made_of_the_asked_object_only(learned, monkeypatch):
    known = learned(2)
    made = []
    monkeypatch.setattr(Attribution, "heat", lambda self, box, label: made.append(label) or torch.zeros(48, 48))
    explanation = explain(known.predictor, known.images[0])
    assert made == []
    explanation[0]
    assert len(made) == 1
