"""Scans with thick slices: strides, anchors and windows follow the millimetres."""

import dataclasses
import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from maskrcnn.config import PreprocessConfig
from maskrcnn.data.transforms.regrid import window_shape
from maskrcnn.errors import UsageError
from maskrcnn.modalities.kinds import fit_to_spacing
from maskrcnn.models.build import build_model
from maskrcnn.models.variants import volume_fpn_config
from maskrcnn.ops import anisotropy
from maskrcnn.planning.adaptation import adapt
from maskrcnn.planning.recipe import Recipe
from maskrcnn.structures import batch_images

SPACINGS = st.lists(st.floats(0.1, 20), min_size=1, max_size=3)


def thick(spacing=(1.0, 1.0, 5.0)):
    """The variant for scans, of samples of ``spacing``."""
    config = volume_fpn_config(2)
    return dataclasses.replace(config, preprocess=dataclasses.replace(config.preprocess, spacing=spacing))


def test_a_thick_axis_waits_until_the_others_are_as_coarse():
    assert anisotropy.reductions((1, 2, 2, 2, 2), (1.0, 1.0, 5.0)) == (
        (1, 1, 1),
        (1, 2, 2),
        (1, 2, 2),
        (2, 2, 2),
        (2, 2, 2),
    )


@given(SPACINGS, st.lists(st.sampled_from([1, 2, 4]), min_size=1, max_size=5))
def test_strides_bring_the_axes_together(spacing, steps):
    lengths = list(reversed(spacing))
    for step, strides in zip(steps, anisotropy.reductions(steps, spacing)):
        apart = max(lengths) / min(lengths)
        assert strides[lengths.index(min(lengths))] == step and set(strides) <= {1, step}
        lengths = [length * stride for length, stride in zip(lengths, strides)]
        assert max(lengths) / min(lengths) <= max(apart, 2 * step)


@given(st.floats(0.01, 10), st.integers(1, 3), st.lists(st.sampled_from([1, 2, 4]), min_size=1, max_size=5))
def test_where_samples_are_cubes_all_is_as_it_was(side, ndim, steps):
    spacing = (side,) * ndim
    assert anisotropy.reductions(steps, spacing) == tuple((step,) * ndim for step in steps)
    assert anisotropy.anchor_shape(spacing) == pytest.approx((1.0,) * ndim)
    assert anisotropy.window(64, spacing) is None


@given(SPACINGS)
def test_an_anchor_is_a_cube_in_millimetres(spacing):
    shape = anisotropy.anchor_shape(spacing)
    assert math.prod(shape) == pytest.approx(1)
    sides = [own * factor for own, factor in zip(spacing, shape)]
    assert sides == pytest.approx([anisotropy.mean_spacing(spacing)] * len(spacing))


@given(SPACINGS, st.integers(8, 128))
def test_a_window_reaches_as_far_along_each_axis(spacing, side):
    window = anisotropy.window(side, spacing) or (side,) * len(spacing)
    reach = side * min(spacing)
    for own, count in zip(spacing, window):
        assert count * own >= reach * 0.999 and (count - anisotropy.WHOLE) * own < reach * 1.001
        assert count >= anisotropy.WHOLE or count == side


def test_a_variant_is_fitted_to_its_samples():
    config = fit_to_spacing(thick())
    assert config.preprocess.window == (64, 64, 16) and window_shape(config.preprocess, 3) == (16, 64, 64)
    assert config.backbone.reductions == ((1, 1, 1), (1, 2, 2), (1, 2, 2), (2, 2, 2), (2, 2, 2))
    assert config.anchors.shapes == (anisotropy.anchor_shape((1.0, 1.0, 5.0)),)
    assert fit_to_spacing(thick((2.0, 2.0, 2.0))) == thick((2.0, 2.0, 2.0))


def test_a_model_of_thick_slices_runs_and_its_anchors_are_cubes():
    model = build_model(fit_to_spacing(thick())).eval()
    assert model.backbone.strides[0] == (1, 2, 2) and model.backbone.strides[2] == (2, 8, 8)
    with torch.inference_mode():
        images = batch_images([torch.randn(1, 5, 40, 40)], 4)
        assert len(model(images)) == 1
        features = model.backbone(images.tensor)
        anchors = model.rpn.anchors(features, images.tensor.shape[2:])[0]
    sides = (anchors[:, 3:] - anchors[:, :3]) * torch.tensor([1.0, 1.0, 5.0])
    assert torch.allclose(sides, sides[:, :1].expand(-1, 3), rtol=1e-4)


def test_flags_set_the_window():
    config = fit_to_spacing(thick())
    assert adapt(config, Recipe(crop_size=32)).preprocess.window == (32, 32, 8)
    chosen = adapt(config, Recipe(window=(40, 56, 8)))
    assert (chosen.preprocess.window, chosen.preprocess.max_size) == ((40, 56, 8), 56)
    assert Recipe(window=(40, 56, 8)).augment(chosen).size == (8, 56, 40)
    assert adapt(config, Recipe(finest_stride=1)).backbone.reductions[:3] == ((1, 1, 1), (1, 1, 1), (1, 2, 2))
    with pytest.raises(UsageError, match="each of the 3 axes"):
        adapt(config, Recipe(window=(40, 56)))


def test_without_a_window_all_axes_are_alike():
    assert window_shape(PreprocessConfig(max_size=48, spacing=(1.0,) * 3), 3) == (48, 48, 48)
