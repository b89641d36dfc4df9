"""Samples on a model's own grid: what was labelled in the file lies under its target, whatever was drawn."""

import dataclasses
import math

import numpy as np
import pytest
import torch

from maskrcnn.config import PreprocessConfig
from maskrcnn.data.transforms.augment import AugmentConfig, vary_amplitude, vary_bands
from maskrcnn.data.transforms.samples import EvalTransform, TrainTransform, sample_generator
from maskrcnn.regions import Regions
from maskrcnn.structures import Record

SIDES = {1: (400,), 3: (40, 36, 44)}
BLOCKS = {1: (slice(150, 190),), 3: (slice(10, 22), slice(12, 24), slice(16, 30))}
NDIMS = pytest.mark.parametrize("ndim", [1, 3])
DRAWS = {1: 40, 3: 12}


def scene(ndim, spacing=1.0, **fields):
    """A file that is 1 on its one object and 0 elsewhere, and its record."""
    mask = np.zeros(SIDES[ndim], bool)
    mask[BLOCKS[ndim]] = True
    regions = Regions.from_masks([mask], SIDES[ndim])
    fields["spacing"] = (spacing,) * ndim
    record = Record("scene", 7, "scene", SIDES[ndim], regions.boxes(), np.array([1]), regions, **fields)
    return torch.from_numpy(mask).float()[None], record


def grid(ndim, spacing=1.0, **changes):
    return PreprocessConfig((0.0,), (1.0,), 64, 64, spacing=(spacing,) * ndim, **changes)


def covered(sample, i=0):
    """Bool ``[*S]``: the mask of object ``i`` read at the centre of each sample through the map from the file."""
    regions = sample.target.regions
    source, back = torch.from_numpy(regions.mask(i)), regions.axis_map.inverse()
    centres = torch.meshgrid(*(torch.arange(side) + 0.5 for side in sample.image.shape[1:]), indexing="ij")
    at = back.points(torch.stack(centres[::-1], -1).double()).floor().long().flip(-1)
    limits = torch.tensor(source.shape)
    inside = ((at >= 0) & (at < limits)).all(-1)
    return source[tuple(at.clamp(min=0).minimum(limits - 1).unbind(-1))] & inside


def assert_the_object_lies_under_its_target(sample):
    """Within one sample; what is seen of it is the bright part of the image."""
    ndim = sample.image.ndim - 1
    bright, mask = sample.image[0] > 0.5, covered(sample)
    low, high = sample.target.boxes[0].view(2, ndim).flip(-1)
    for seen in (bright, mask):
        where = seen.nonzero()
        assert (where.min(0).values - low).abs().max() <= 1
        assert (where.max(0).values + 1 - high).abs().max() <= 1


@NDIMS
@pytest.mark.parametrize("spacings", [(1.0, 1.0), (1.0, 0.7), (0.5, 1.0), (0.01, 0.004)])
def test_an_object_lies_under_its_box_and_mask(ndim, spacings):
    image, record = scene(ndim, spacings[0])
    size = {1: (150,), 3: (24, 28, 32)}[ndim]
    config = AugmentConfig(size, scale_range=(0.8, 1.25), flip_axes=tuple(range(ndim)))
    transform, flips, factors, shown = TrainTransform(config, grid(ndim, spacings[1])), set(), set(), 0
    for draw in range(DRAWS[ndim]):
        sample = transform(image, record, sample_generator(0, 0, draw))
        assert tuple(sample.image.shape[1:]) == size
        factor = [abs(s) * spacings[1] / spacings[0] for s in sample.axis_map.scale]
        assert all(0.75 < one < 1.35 for one in factor)  # the scale of the file, but for a quarter and a rounding
        factors.add(round(factor[0], 1))
        flips.add(tuple(s < 0 for s in sample.axis_map.scale))
        if len(sample.target):
            shown += 1
            assert_the_object_lies_under_its_target(sample)
    assert len(flips) > 2**ndim / 2 and len(factors) > 2 and shown > DRAWS[ndim] / 2


@NDIMS
def test_scale_is_that_of_the_file_and_not_of_the_window(ndim):
    """However large the window is, a sample of the model stays a sample of the model."""
    image, record = scene(ndim, 2.0)
    config = AugmentConfig((1000,) if ndim == 1 else (96,) * 3, scale_range=(1.0, 1.0), flip_axes=())
    sample = TrainTransform(config, grid(ndim))(image, record, sample_generator(0, 0, 0))
    assert sample.axis_map.scale == (2.0,) * ndim
    assert sample.shown == tuple(2 * side for side in SIDES[ndim])


def test_axes_have_spacings_of_their_own():
    image, record = scene(3)
    record.spacing = (0.5, 1.0, 2.0)
    sample = EvalTransform(grid(3))(image, record)
    assert tuple(sample.image.shape[1:]) == (80, 36, 22)  # z, y, x
    assert sample.axis_map.scale == (0.5, 1.0, 2.0)
    assert_the_object_lies_under_its_target(sample)


@NDIMS
@pytest.mark.parametrize("spacings", [(1.0, 1.0), (1.0, 0.7), (0.5, 1.0)])
def test_evaluation_shows_all_that_was_labelled(ndim, spacings):
    extent = np.array([100.4, 201.2] if ndim == 1 else [8.0, 9.0, 7.5, 33.0, 26.0, 30.2])
    image, record = scene(ndim, spacings[0], extent=extent)
    sample = EvalTransform(grid(ndim, spacings[1]))(image, record)
    assert_the_object_lies_under_its_target(sample)
    length = (np.ceil(extent[ndim:]) - np.floor(extent[:ndim])) * spacings[0] / spacings[1]
    assert np.abs(np.array(sample.image.shape[1:])[::-1] - length).max() <= 0.5
    back = sample.axis_map.inverse().boxes(sample.target.boxes)
    torch.testing.assert_close(back, torch.from_numpy(record.boxes), rtol=0, atol=1e-3)


@NDIMS
def test_training_sees_nothing_that_was_not_labelled(ndim):
    """Outside the labelled part the file is 9, and no sample shows it."""
    image, record = scene(ndim)
    extent = np.array([140.0, 200] if ndim == 1 else [14.0, 10, 8, 32, 26, 24])
    inside = torch.zeros_like(image, dtype=torch.bool)
    inside[(slice(None), *(slice(int(a), int(b)) for a, b in zip(extent[:ndim][::-1], extent[ndim:][::-1])))] = True
    record.extent = extent
    config = AugmentConfig((40,) if ndim == 1 else (12, 12, 12), scale_range=(0.8, 1.25), flip_axes=(0,))
    transform, shown = TrainTransform(config, grid(ndim)), 0
    for draw in range(DRAWS[ndim]):
        sample = transform(torch.where(inside, image, 9.0), record, sample_generator(0, 0, draw))
        assert sample.image.max() < 2
        shown += len(sample.target)
        if len(sample.target) and ndim == 1:
            assert_the_object_lies_under_its_target(sample)
    assert shown > DRAWS[ndim] / 2


@NDIMS
def test_a_file_shorter_than_the_window_is_padded_with_the_mean(ndim):
    image, record = scene(ndim)
    config = AugmentConfig(tuple(side + 20 for side in SIDES[ndim]), scale_range=(1.0, 1.0), flip_axes=())
    sample = TrainTransform(config, grid(ndim))(image + 5, record, sample_generator(0, 0, 0))
    assert sample.shown == SIDES[ndim]
    assert float(sample.image[(0, *(-1,) * ndim)]) == 0
    plain = dataclasses.replace(grid(ndim), standardise=True)
    standard = TrainTransform(config, plain)(image * 300 + 5, record, sample_generator(0, 0, 0))
    shown = standard.image[(0, *(slice(0, side) for side in SIDES[ndim]))]
    assert abs(float(shown.mean())) < 1e-3 and abs(float(shown.std()) - 1) < 0.01


@NDIMS
def test_samples_follow_from_their_generator(ndim):
    image, record = scene(ndim)
    config = AugmentConfig((60,) if ndim == 1 else (16,) * 3, (0.8, 1.25), gain=0.5, noise=0.2, drift=0.4, invert=0.5)
    transform = TrainTransform(config, grid(ndim))
    first, again, other = (transform(image, record, sample_generator(0, epoch, 3)) for epoch in (1, 1, 2))
    assert torch.equal(first.image, again.image) and torch.equal(first.target.boxes, again.target.boxes)
    assert not torch.equal(first.image, other.image)


def test_the_other_strand_of_dna_has_the_complement():
    bases = np.random.default_rng(0).integers(0, 4, 400)
    one_hot = torch.eye(4)[bases].T
    _, record = scene(1)
    preprocess = PreprocessConfig((0.0,) * 4, (1.0,) * 4, spacing=(1.0,), mirror_channels=(3, 2, 1, 0))
    transform = TrainTransform(AugmentConfig((100,), (1.0, 1.0), flip_axes=(0,)), preprocess)
    seen = set()
    for draw in range(12):
        sample = transform(one_hot, record, sample_generator(0, 0, draw))
        mirrored = sample.axis_map.scale[0] < 0
        seen.add(mirrored)
        centres = (torch.arange(100) + 0.5)[:, None]
        at = sample.axis_map.inverse().points(centres)[:, 0].floor().long()
        expected = torch.from_numpy(bases)[at]
        assert torch.equal(sample.image.argmax(0), 3 - expected if mirrored else expected)
    assert seen == {True, False}


def test_sound_is_boxed_in_frames():
    rate, hop, bands = 4000, 0.01, 8
    wave = torch.zeros(1, 3 * rate)
    wave[0, rate : 2 * rate] = torch.randn(rate, generator=torch.Generator().manual_seed(0))  # one second of noise
    mask = np.zeros(3 * rate, bool)
    mask[rate : 2 * rate] = True
    regions = Regions.from_masks([mask], (3 * rate,))
    record = Record("a.wav", 1, "a", (3 * rate,), regions.boxes(), np.array([1]), regions, spacing=(1 / rate,))
    preprocess = PreprocessConfig((-10.0,) * bands, (10.0,) * bands, spacing=(hop,), log_mel=True, standardise=True)
    sample = EvalTransform(preprocess)(wave, record)
    assert sample.image.shape == (bands, 300) and sample.target.boxes.tolist() == [[100, 200]]
    config = AugmentConfig((256,), (0.8, 1.25), flip_axes=(0,), gain=1.0)
    for draw in range(10):
        sample = TrainTransform(config, preprocess)(wave, record, sample_generator(0, 0, draw))
        assert sample.image.shape == (bands, 256)
        loud = (sample.image.mean(0) > 0.5).nonzero()[:, 0]  # silence is -18, noise about 0
        low, high = sample.target.boxes[0].tolist()
        assert abs(int(loud.min()) - low) <= 2 and abs(int(loud.max()) + 1 - high) <= 2  # half a window


def test_one_channel_is_seen_at_a_time():
    image, record = scene(1)
    leads = torch.cat([image, image * 2, image * 3])
    preprocess = grid(1, each_channel=True)
    assert EvalTransform(preprocess)(leads, record).image.shape[0] == 1
    transform, seen = TrainTransform(AugmentConfig((400,), (1.0, 1.0), flip_axes=()), preprocess), set()
    for draw in range(20):
        sample = transform(leads, record, sample_generator(0, 0, draw))
        assert sample.image.shape == (1, 400)
        seen.add(round(float(sample.image.max())))
    assert seen == {1, 2, 3}


@NDIMS
@pytest.mark.parametrize("field", ["gain", "invert", "noise", "drift"])
def test_amplitudes_vary_only_where_they_are_asked_to(ndim, field):
    image, generator = torch.randn(2, *SIDES[ndim]), sample_generator(0, 0, 0)
    before = generator.bit_generator.state
    assert vary_amplitude(image, AugmentConfig(), generator) is image
    assert generator.bit_generator.state == before  # what is off draws nothing
    varied = vary_amplitude(image, AugmentConfig(**{field: 1.0}), generator)
    assert varied.shape == image.shape and varied.dtype == torch.float32
    assert generator.bit_generator.state != before and not torch.equal(varied, image)


def test_what_each_amplitude_means():
    image = torch.sin(torch.arange(4000) / 7)[None].repeat(2, 1)
    gains = []
    for draw in range(10):
        generator = sample_generator(0, 0, draw)
        gained = vary_amplitude(image, AugmentConfig(gain=1.0), generator)
        factors = gained.abs().amax(1) / image.abs().amax(1)
        assert ((factors >= 0.5) & (factors <= 2)).all() and factors[0] != factors[1]
        gains += factors.tolist()
        noisy = vary_amplitude(image, AugmentConfig(noise=0.5), generator) - image
        assert 0 <= float(noisy.std()) < 0.55 and abs(float(noisy.mean())) < 0.05
        wave = vary_amplitude(image, AugmentConfig(drift=0.5), generator) - image
        assert float(wave.diff().abs().max()) < 0.05 and float(wave.std()) > 0  # slow
        assert torch.equal(vary_amplitude(image, AugmentConfig(invert=1.0), generator), -image)
    assert min(gains) < 0.75 and max(gains) > 1.33


def test_bands_sound_like_another_microphone_and_some_are_hidden():
    bands, generator = torch.randn(40, 60, generator=torch.Generator().manual_seed(0)), sample_generator(0, 0, 0)
    before = generator.bit_generator.state
    assert vary_bands(bands, AugmentConfig(), generator) is bands and generator.bit_generator.state == before
    hidden = set()
    for _ in range(20):
        curve = vary_bands(bands, AugmentConfig(gain=1.0), generator) - bands
        assert torch.allclose(curve, curve[:, :1].expand_as(curve), atol=1e-5)  # the same at all times
        assert float(curve.abs().max()) <= 2 * math.log(2) + 1e-4 and float(curve[:, 0].diff().abs().max()) < 0.6
        shown = vary_bands(bands, AugmentConfig(hidden_bands=8), generator)
        changed = (shown != bands).all(1)
        hidden.add(int(changed.sum()))
        assert torch.equal(shown[~changed], bands[~changed])
        assert torch.allclose(shown[changed], bands.mean())
    assert max(hidden) <= 16 and len(hidden) > 5


def test_unknown_sides_stay_with_their_side_in_the_mirror():
    image, record = scene(1)
    record.unknown_sides = np.array([[True, False]])
    transform, seen = TrainTransform(AugmentConfig((400,), (1.0, 1.0), flip_axes=(0,)), grid(1)), set()
    for draw in range(10):
        sample = transform(image, record, sample_generator(0, 0, draw))
        mirrored = sample.axis_map.scale[0] < 0
        seen.add(mirrored)
        assert sample.target.unknown_sides.tolist() == [[not mirrored, mirrored]]
    assert seen == {True, False}
