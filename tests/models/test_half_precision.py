"""Gradients in half precision over small grids, where oneDNN reads memory that nobody wrote (see models/nd.py).

glibc is asked to fill what it hands out with NaN, so that a layer which reads it shows every time and not by chance.
"""

import contextlib
import ctypes

import pytest
import torch

from maskrcnn.models.convolution import layers_in_full_precision
from maskrcnn.models.nd import CONV, CONV_TRANSPOSE, ConvNorm

M_PERTURB, NAN_BYTES = -6, 256  # mallopt(3): memory that is handed out holds the complement of the lowest byte
CHANNELS = 128  # so that a depthwise kernel is too large for the C library's cache of small blocks
DEPTHWISE = [((1, 1), 3, (2, 2)), ((3, 1), 3, (2, 2)), ((7, 1), 5, (2, 2)), ((2, 3), 3, (4, 4)), ((1, 1), 3, (1, 2))]
WHOLE = [
    ((1,), 3, (2,)),
    ((3,), 5, (4,)),
    ((1, 1), 3, (2, 2)),
    ((5, 1), 5, (2, 2)),
    ((2, 4, 4), 3, (1, 1, 1)),
    ((2, 2, 3), 3, (1, 1, 1)),
    ((3, 9, 9), 7, (1, 1, 1)),
    ((1, 5, 5), 3, (1, 1, 1)),
    ((4, 5, 6), 3, (1, 1, 1)),
    ((2, 2, 1), 3, (2, 2, 2)),
]


@pytest.fixture
def poisoned():
    """What the C library hands out holds NaN."""
    with contextlib.ExitStack() as stack:
        mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
        if mallopt is not None:
            mallopt(M_PERTURB, NAN_BYTES)
            stack.callback(mallopt, M_PERTURB, 0)
        yield


def order(x, channels_last):
    """``channels_last`` says so of a grid of one sample too, which is in both orders at once."""
    return x.permute(0, 2, 3, 1).contiguous().permute(0, 3, 1, 2) if channels_last and x.ndim == 4 else x


def gradients(layer, x, pull, half):
    layer.zero_grad(set_to_none=True)
    x = x.detach().requires_grad_()
    with torch.autocast("cpu", torch.bfloat16, enabled=half):
        y = layer(x)
    y.backward(pull.to(y.dtype))
    return x.grad, layer.weight.grad


def check(layer, x):
    torch.manual_seed(1)
    pull = torch.randn_like(layer(x))
    for right, found in zip(gradients(layer, x, pull, False), gradients(layer, x, pull, True)):
        assert torch.isfinite(found).all()
        assert (found - right).abs().max() < 0.02 * right.abs().max()


@pytest.mark.parametrize("last", [False, True])
@pytest.mark.parametrize(("shape", "kernel", "stride"), DEPTHWISE)
def test_gradients_of_depthwise_kernels_in_half_precision_are_those_of_full(poisoned, shape, kernel, stride, last):
    torch.manual_seed(0)
    layer = CONV[len(shape)](CHANNELS, CHANNELS, kernel, stride, padding=kernel // 2, groups=CHANNELS)
    check(layer, order(torch.randn(2, CHANNELS, *shape), last))


@pytest.mark.parametrize("last", [False, True])
@pytest.mark.parametrize(("shape", "kernel", "stride"), WHOLE)
def test_gradients_of_whole_kernels_in_half_precision_are_those_of_full(poisoned, shape, kernel, stride, last):
    torch.manual_seed(0)
    layer = CONV[len(shape)](16, 16, kernel, stride, padding=kernel // 2)
    check(layer, order(torch.randn(2, 16, *shape), last))


def test_gradients_of_transposed_kernels_in_half_precision_are_those_of_full(poisoned):
    torch.manual_seed(0)
    check(CONV_TRANSPOSE[2](16, 16, 4, 4), order(torch.randn(2, 16, 3, 1), True))


def test_layers_that_fell_back_are_named_and_no_others():
    model = torch.nn.ModuleDict({"small": ConvNorm(2, 4, 4, 3, 2), "large": ConvNorm(2, 4, 4, 3, 2)})
    with torch.autocast("cpu", torch.bfloat16):
        assert model["small"](torch.randn(1, 4, 1, 1)).dtype == torch.float32
        assert model["large"](torch.randn(1, 4, 8, 8)).dtype == torch.bfloat16
    assert layers_in_full_precision(model) == ["small"]


def test_nothing_falls_back_in_full_precision_or_where_nothing_is_learned():
    layer = CONV[2](4, 4, 3, 2, padding=1)
    layer(torch.randn(1, 4, 1, 1))
    with torch.no_grad(), torch.autocast("cpu", torch.bfloat16):
        assert layer(torch.randn(1, 4, 1, 1)).dtype == torch.bfloat16
    assert layers_in_full_precision(layer) == []
