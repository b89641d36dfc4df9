"""Files on the grid of a model: where things lie after it, and what their values are."""

import dataclasses

import numpy as np
import pytest
import torch

from maskrcnn.config import PreprocessConfig
from maskrcnn.data.transforms import regrid
from maskrcnn.data.transforms.resample import resample
from maskrcnn.errors import DataError
from maskrcnn.structures import Record

PLAIN = PreprocessConfig((0.0,), (1.0,), spacing=(1.0,))


def record(length, **fields):
    return Record("x", 1, "x", (length,), np.zeros((0, 2), np.float32), np.zeros(0, np.int64), **fields)


def test_standardise_gives_each_channel_mean_0_and_deviation_1_but_for_outliers():
    generator = np.random.default_rng(0)
    noise = generator.standard_normal((3, 20_000)) * [[1], [50], [0]] + [[7], [-300], [4]]
    noise[1, :40] = 1e6  # an electrode that came off
    values = regrid.standardise(torch.from_numpy(noise))
    assert values.dtype == torch.float32
    assert values[:2, 100:].mean(1).abs().max() < 0.05
    assert (values[:2, 100:].std(1) - 1).abs().max() < 0.1
    assert (values[2] == 0).all()
    as_volume = regrid.standardise(torch.from_numpy(noise).reshape(3, 20, 10, 100))
    assert torch.equal(as_volume.flatten(1), values)


def test_a_long_channel_is_standardised_from_some_of_its_samples():
    values = regrid.standardise(torch.randn(1, 3 * regrid.MOST_SAMPLES, generator=torch.Generator().manual_seed(0)) + 9)
    assert abs(float(values.mean())) < 0.02 and abs(float(values.std()) - 1) < 0.05


@pytest.mark.parametrize(
    ("stretch", "standardise", "expected"), [(False, False, [1, 2, 3]), (False, True, None), (True, False, None)]
)
def test_the_whole_file_is_prepared_as_the_model_says(stretch, standardise, expected):
    image = torch.tensor([[1.0, 2.0, 3.0]])
    whole = regrid.whole_file(image, dataclasses.replace(PLAIN, stretch=stretch, standardise=standardise))
    assert (whole.tolist() == [expected]) if expected else not torch.equal(whole, image)


def test_the_scale_of_an_axis_is_the_file_s_spacing_over_the_model_s():
    own = dataclasses.replace(PLAIN, spacing=(1.0, 2.0, 4.0))  # x, y, z
    assert regrid.grid_scale((0.5, 2.0, 12.0), own) == [3, 1, 0.5]  # z, y, x
    assert regrid.grid_scale(None, own) == [1, 1, 1]
    assert regrid.grid_shape((10, 20, 31), (0.5, 2.0, 12.0), own) == (30, 20, 16)
    assert regrid.grid_shape((1, 1, 1), (1e-3, 1e-3, 1e-3), own) == (1, 1, 1)


def test_the_grid_of_several_files_is_their_median():
    assert regrid.grid_of([(1.0, 5.0), (3.0, 5.0), (2.0, 7.0)]) == (2, 5)


@pytest.mark.parametrize("shape", [(50,), (80,), (13, 30, 22)])
def test_regrid_keeps_values_where_they_are_in_the_file(shape):
    """A slow ramp along each axis: the sample at new position p shows what was at the same place of the file."""
    old = (40,) if len(shape) == 1 else (20, 20, 22)
    axes = torch.meshgrid(*(torch.arange(side) + 0.5 for side in old), indexing="ij")
    image = sum((k + 1.0) * axis for k, axis in enumerate(axes))[None]
    new = regrid.regrid(image, shape, PLAIN)
    assert new.shape == (1, *shape) and new.is_contiguous()
    axes = torch.meshgrid(*((torch.arange(n) + 0.5) * o / n for n, o in zip(shape, old)), indexing="ij")
    expected = sum((k + 1.0) * axis for k, axis in enumerate(axes))
    margin = (slice(None), *(slice(n * 3 // 10, -n * 3 // 10) for n in shape))
    torch.testing.assert_close(new[margin], expected[None][margin], rtol=0, atol=0.15)


def test_regrid_to_the_same_shape_changes_nothing():
    image = torch.randn(2, 3, 4, 5)
    assert torch.equal(regrid.regrid(image, (3, 4, 5), PLAIN), image)


def test_log_mel_gives_a_frame_a_sample_and_a_band_a_channel():
    rate, seconds = 8000, 1.5
    wave = torch.zeros(1, int(rate * seconds))
    wave[0, rate // 2 : rate] = torch.randn(rate // 2)
    config = dataclasses.replace(PLAIN, log_mel=True, spacing=(0.01,), pixel_mean=(0.0,) * 20, pixel_std=(1.0,) * 20)
    frames = regrid.grid_shape(wave.shape[1:], (1 / rate,), config)
    assert frames == (150,)
    bands = regrid.regrid(wave, frames, config)
    assert bands.shape == (20, 150)
    loud = bands.mean(0) > bands.mean()
    assert loud[52:98].all() and not loud[:48].any() and not loud[102:].any()
    assert regrid.regrid(wave[:, :10], (1,), config).shape == (20, 1)  # shorter than a window


def test_only_what_was_labelled_is_a_sample():
    image = torch.arange(20.0)[None]
    part, to_part = regrid.labelled_part(image, record(20, extent=np.array([4.3, 9.6])))
    assert part[0].tolist() == [4, 5, 6, 7, 8, 9]
    assert to_part.points(torch.tensor([[4.5]])).tolist() == [[0.5]]
    whole, identity = regrid.labelled_part(image, record(20))
    assert whole is image and identity.scale == (1,) and identity.shift == (0,)
    for extent in ([-5, 3], [18, 90], [25, 30], [7, 7]):  # labels may pass the ends of a file
        part, _ = regrid.labelled_part(image, record(20, extent=np.array(extent, dtype=float)))
        assert part.shape[1] >= 1
    volume = torch.arange(4 * 5 * 6.0).reshape(1, 4, 5, 6)
    part, _ = regrid.labelled_part(volume, record(1, extent=np.array([1.0, 2, 3, 4, 5, 4])))  # x y z, x y z
    assert torch.equal(part, volume[:, 3:4, 2:5, 1:4])


def test_a_mirror_image_of_dna_has_the_bases_of_the_other_strand():
    one_hot = torch.eye(4)[[0, 0, 1, 2]].T  # A A C G of A C G T
    dna = dataclasses.replace(PLAIN, mirror_channels=(3, 2, 1, 0))
    assert regrid.mirror(one_hot, (0,), dna).argmax(0).tolist() == [1, 2, 3, 3]  # C G T T
    assert torch.equal(regrid.mirror(one_hot, (), dna), one_hot)
    assert regrid.mirror(one_hot, (0,), PLAIN).argmax(0).tolist() == [2, 1, 0, 0]
    volume = torch.rand(4, 3, 4, 5)
    assert torch.equal(regrid.mirror(volume, (0, 2), dna), volume.flip((3, 1)))  # mirrored twice: turned


def test_a_sound_has_the_same_bands_at_any_rate_of_its_file():
    preprocess = PreprocessConfig((0.0,) * 40, (1.0,) * 40, spacing=(0.01,), log_mel=True, sound_rate=8000.0)
    time = torch.arange(8000) / 8000
    sound = sum(torch.sin(2 * torch.pi * f * time) for f in (200.0, 900.0, 2500.0))[None] * torch.hann_window(8000)
    bands = regrid.regrid(sound, (100,), preprocess)
    for rate in (11025, 16000, 44100):
        again = regrid.regrid(resample(sound, 8000, rate), (100,), preprocess)
        audible = bands > bands.max() - 10  # below, it is the ends of two filters
        assert (again - bands)[audible].abs().max() < 0.1


@pytest.mark.parametrize("spacing, fits", [
    (1.0, True), (60.0, True), (1e-4, True), (100.0, False), (1e9, False), (1e-9, False),
])  # fmt: skip
def test_files_at_another_scale_than_the_model_are_refused_by_name(spacing, fits):
    if fits:
        regrid.check_scale("a.hea", (spacing,), PLAIN)
        return
    with pytest.raises(DataError, match="a.hea has samples that are .* apart and the model has learned on 1"):
        regrid.check_scale("a.hea", (spacing,), PLAIN)


def test_sounds_are_compared_by_their_rate_not_by_frames():
    sound = PreprocessConfig((0.0,) * 40, (1.0,) * 40, spacing=(0.01,), log_mel=True, sound_rate=8000.0)
    regrid.check_scale("a.wav", (1 / 192_000,), sound)
    with pytest.raises(DataError, match="a.wav"):
        regrid.check_scale("a.wav", (1.0,), sound)
