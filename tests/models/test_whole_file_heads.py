"""Heads whose output belongs to a whole file: a vector an image, or a value a sample, whatever way it was looked at."""

from __future__ import annotations

import dataclasses

import pytest
import torch

from cases import NDIMS, seeded
from maskrcnn.inference.predictor import Predictor
from maskrcnn.models.build import build_model
from maskrcnn.models.head import ImageHead, MapHead, Place
from maskrcnn.regions import AxisMap
from maskrcnn.structures import Instances
from tiny import noise, tiny_config, tiny_info
from tiny_signals import tiny_signal_config, tiny_signal_info


class Brightness(ImageHead):
    """The mean of each channel of the image."""

    sees_image = True

    def __init__(self, config, strides):
        super().__init__()
        self.image = len(strides)

    def forward(self, features, images):
        pairs = zip(features[self.image], images.spatial_shapes)
        return torch.stack([x[(slice(None), *map(slice, shape))].flatten(1).mean(1) for x, shape in pairs])


HEADS = {"brightness": Brightness}


def mean_of(photo):
    return ((photo.float() - 127.5) / 127.5).flatten(1).mean(1)


@pytest.fixture(scope="module")
def predictor():
    torch.manual_seed(0)
    model = build_model(tiny_config(), HEADS).eval()
    return Predictor(model, tiny_info(model))


def test_an_image_has_one_vector(predictor):
    photo = torch.from_numpy(noise(64, 64)).permute(2, 0, 1)
    found = predictor(photo)
    torch.testing.assert_close(found.of_image["brightness"], mean_of(photo), atol=1e-5, rtol=0)
    torch.testing.assert_close(predictor.with_options(flip=True)(photo).of_image, found.of_image, atol=1e-6, rtol=0)


def test_tiles_have_their_mean(predictor):
    photo = torch.from_numpy(noise(64, 112)).permute(2, 0, 1)
    tiles = [photo[:, :, start : start + 64] for start in (0, 48)]
    found = predictor.with_options(tile=64)(photo)
    torch.testing.assert_close(found.of_image["brightness"], sum(map(mean_of, tiles)) / 2, atol=1e-5, rtol=0)


def test_channels_have_their_mean():
    preprocess = dataclasses.replace(tiny_signal_config().preprocess, each_channel=True, standardise=False)
    model = build_model(tiny_signal_config(preprocess=preprocess), HEADS).eval()
    own = Predictor(model, tiny_signal_info(model))
    one, two = torch.randn(2, 1, 60, generator=seeded())
    apart = [own(lead, (0.01,)).of_image["brightness"] for lead in (one, two)]
    assert (apart[0] - apart[1]).abs() > 0.01
    together = own(torch.cat([one, two]), (0.01,)).of_image["brightness"]
    torch.testing.assert_close(together, sum(apart) / 2)


@NDIMS
def test_a_map_is_merged_as_the_slow_twin_does(ndim):
    """Each sample the mean of its tiles' values, weighted by the product of the distances to the tile's borders."""
    head = MapHead()
    head.name = "map"
    shape = (7, 9, 11)[-ndim:]
    slices = [tuple(slice(0, side) for side in shape), tuple(slice(side // 2, side) for side in shape)]
    values = [torch.randn(2, *(s.stop - s.start for s in where), generator=seeded(k)) for k, where in enumerate(slices)]
    boxes = torch.zeros(0, 2 * ndim)
    merged = Instances(boxes)
    head.merge(merged, [Instances(boxes, of_image={"map": value}) for value in values], slices, shape)
    for at in torch.cartesian_prod(*map(torch.arange, shape)).reshape(-1, ndim).tolist():
        total, weights = torch.zeros(2), 0.0
        for value, where in zip(values, slices):
            if all(s.start <= i < s.stop for i, s in zip(at, where)):
                weight = 1.0
                for i, s in zip(at, where):
                    weight *= min(i - s.start, s.stop - 1 - i) + 1
                total += weight * value[(slice(None), *(i - s.start for i, s in zip(at, where)))]
                weights += weight
        torch.testing.assert_close(merged.of_image["map"][(slice(None), *at)], total / weights)


def test_a_map_comes_back_to_the_grid_of_the_file():
    head = MapHead()
    head.name = "map"
    found = Instances(torch.zeros(0, 4), of_image={"map": torch.arange(6.0).reshape(1, 2, 3)})
    head.to_file(found, Place(AxisMap((2.0, 2.0), (0.0, 0.0)), (4, 6), 0.5))
    assert found.of_image["map"].shape == (1, 4, 6)
    assert found.of_image["map"].mean() == pytest.approx(2.5)
