"""Convolution by tiles against the plain sum, for every D, and when it is chosen."""

from __future__ import annotations

import pytest
import torch

from maskrcnn.models.nd import CONV, conv
from maskrcnn.ops import winograd
from maskrcnn.ops.nd import FUNCTIONAL_CONV, add_nearest
from maskrcnn.ops.winograd import POINTS, best_tile, conv_by_tiles

SHAPES = {1: [(7,), (8,), (1,)], 2: [(7, 9), (8, 12), (1, 2)], 3: [(7, 9, 5), (8, 4, 4), (1, 2, 3)]}


def random(*shape: int, dtype: torch.dtype = torch.float64) -> torch.Tensor:
    generator = torch.Generator().manual_seed(sum(shape))
    return torch.randn(shape, generator=generator, dtype=dtype)


@pytest.mark.parametrize("ndim", SHAPES)
@pytest.mark.parametrize("m", POINTS)
@pytest.mark.parametrize("chunk", [1, 7, 512])
def test_is_the_convolution(monkeypatch: pytest.MonkeyPatch, ndim: int, m: int, chunk: int) -> None:
    monkeypatch.setattr(winograd, "CHUNK", chunk)
    weight, bias = random(7, 5, *(3,) * ndim), random(7)
    for spatial in SHAPES[ndim]:
        x = random(3, 5, *spatial)
        for b in (bias, None):
            expected = FUNCTIONAL_CONV[ndim](x, weight, b, padding=1)
            assert torch.allclose(conv_by_tiles(x, weight, b, m), expected, rtol=0, atol=1e-11)


def test_rounding_is_as_small_as_it_says() -> None:
    x, weight = random(1, 64, 16, 16, dtype=torch.float32), random(64, 64, 3, 3, dtype=torch.float32)
    exact = torch.nn.functional.conv2d(x.double(), weight.double(), padding=1)
    off = {m: (conv_by_tiles(x, weight, None, m) - exact).pow(2).mean().sqrt() / exact.std() for m in POINTS}
    assert off[2] < 5e-7
    assert off[4] < 5e-6


def test_memory_is_channels_last() -> None:
    x, weight = random(1, 5, 8, 8), random(7, 5, 3, 3)
    assert conv_by_tiles(x, weight, None, 4).is_contiguous(memory_format=torch.channels_last)


def test_tiles_are_for_much_work() -> None:
    assert best_tile(torch.empty(256, 256, 3, 3), 1, (200, 272)) == 4
    assert best_tile(torch.empty(512, 512, 3, 3), 1, (25, 34)) == 2  # few positions: a kernel at 36 points costs more
    assert best_tile(torch.empty(256, 256, 3, 3), 1, (7, 9)) == 0
    assert best_tile(torch.empty(8, 8, 3, 3), 1, (200, 272)) == 0


@pytest.mark.parametrize("ndim", SHAPES)
def test_layers_take_tiles_only_where_nobody_learns(monkeypatch: pytest.MonkeyPatch, ndim: int) -> None:
    calls = []
    monkeypatch.setattr("maskrcnn.models.convolution.best_tile", lambda *_: 2)
    monkeypatch.setattr("maskrcnn.models.convolution.conv_by_tiles", lambda *a: calls.append(a) or conv_by_tiles(*a))
    layer = conv(ndim, 4, 4, 3).eval()
    x = random(2, 4, *(6,) * ndim, dtype=torch.float32)
    expected = layer(x)
    assert not calls
    with torch.no_grad():
        assert torch.allclose(layer(x), expected, atol=1e-5)
        assert len(calls) == 1
        layer.train()(x)
        CONV[ndim](4, 4, 3, stride=2, padding=1).eval()(x)
        CONV[ndim](4, 4, 1).eval()(x)
        CONV[ndim](4, 4, 3).eval()(x)
        CONV[ndim](4, 4, 3, padding=1, groups=2).eval()(x)
        with torch.autocast("cpu", torch.bfloat16):
            layer.eval()(x)
    assert len(calls) == 1


@pytest.mark.parametrize("ndim", SHAPES)
def test_coarse_samples_are_added_to_all_fine_ones_they_cover(ndim: int) -> None:
    coarse = random(2, 3, *(3,) * ndim)
    for extent in (6, 7):
        fine = random(2, 3, *(extent,) * ndim)
        expected = add_nearest(fine, coarse)  # with gradients: the plain sum
        with torch.no_grad():
            assert torch.equal(add_nearest(fine.clone(), coarse), expected)
