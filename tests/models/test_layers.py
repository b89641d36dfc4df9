"""The layers that are written once for every D: frozen norms, TensorFlow's padding, initial weights."""

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from cases import NDIMS, SHAPES, seeded
from maskrcnn.models.convolution import _ChannelsLastGroupNorm
from maskrcnn.models.nd import (
    BATCH_NORM,
    ConvNorm,
    FrozenBatchNorm,
    SeparableConv,
    conv,
    conv_transpose,
    init_he,
    max_pool,
    norm,
)
from maskrcnn.ops.nd import FUNCTIONAL_CONV, channels_last


def randomise(frozen):
    """Statistics and affine that are nobody's defaults."""
    for name in ("weight", "bias", "running_mean", "running_var"):
        getattr(frozen, name).copy_(torch.rand(getattr(frozen, name).shape, generator=seeded(len(name))) + 0.5)


def noise(ndim, channels=4, dtype=torch.float64):
    return torch.randn(2, channels, *SHAPES[ndim], generator=seeded(), dtype=dtype)


@NDIMS
@pytest.mark.parametrize("kernel", [1, 3, 5])
def test_a_convolution_keeps_the_extent(ndim, kernel):
    assert conv(ndim, 4, 6, kernel)(noise(ndim, dtype=torch.float32)).shape == (2, 6, *SHAPES[ndim])


@NDIMS
def test_a_transposed_convolution_doubles_the_extent(ndim):
    upsampled = conv_transpose(ndim, 4, 3, 2)(noise(ndim, dtype=torch.float32))
    assert upsampled.shape == (2, 3, *(2 * n for n in SHAPES[ndim]))


@NDIMS
def test_max_pool_takes_the_largest_of_each_window(ndim):
    x = noise(ndim)
    shrunk = max_pool(x, 2, 2)
    windows = x
    for axis in range(2, 2 + ndim):
        windows = windows.unfold(axis, 2, 2)
    assert torch.equal(shrunk, windows.flatten(2 + ndim).amax(-1))


@NDIMS
@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float32])
def test_the_gradient_of_a_group_norm_is_torch_s_own(ndim, dtype):
    """As autocast has it: the input in half precision, the weights not."""
    layer, own = norm("group", ndim, 8, 1e-5), nn.GroupNorm(8, 8)
    with torch.no_grad():
        for a, b in zip(layer.parameters(), own.parameters()):
            a.copy_(torch.rand(a.shape, generator=seeded(3)))
            b.copy_(a)
    x, y = (channels_last(noise(ndim, 8, dtype)).clone().requires_grad_() for _ in range(2))
    weights = channels_last(noise(ndim, 8, dtype).flip(1))
    for given, module in ((x, layer), (y, own)):
        (module(given) * weights).sum().backward()
    assert torch.equal(layer(x), own(y))
    bound = 2e-2 if dtype == torch.bfloat16 else 1e-5
    for a, b in zip((x, *layer.parameters()), (y, *own.parameters())):
        torch.testing.assert_close(a.grad, b.grad, rtol=bound, atol=bound)


@NDIMS
def test_the_gradient_that_is_taken_channels_first_is_that_of_differences(ndim):
    x = channels_last(noise(ndim)).requires_grad_()
    weight, bias = (torch.rand(4, generator=seeded(k), dtype=x.dtype, requires_grad=True) for k in range(2))
    run = lambda *given: _ChannelsLastGroupNorm.apply(*given, 2, 1e-5)  # noqa: E731
    assert torch.autograd.gradcheck(run, (x, weight, bias))
    assert torch.autograd.gradcheck(run, (x, weight.detach(), bias.detach()))


@NDIMS
@pytest.mark.parametrize("eps", [0.0, 1e-5])
def test_a_frozen_norm_is_a_batch_norm_in_evaluation(ndim, eps):
    frozen = FrozenBatchNorm(4, eps).double()
    randomise(frozen)
    batch_norm = BATCH_NORM[ndim](4, eps=eps).double().eval()
    batch_norm.load_state_dict(frozen.state_dict(), strict=False)
    torch.testing.assert_close(frozen(noise(ndim)), batch_norm(noise(ndim)))


def test_a_frozen_norm_never_changes():
    frozen = FrozenBatchNorm(4).train()
    randomise(frozen)
    before = {name: value.clone() for name, value in frozen.state_dict().items()}
    frozen(noise(2, dtype=torch.float32))
    assert list(frozen.parameters()) == []
    assert all(torch.equal(value, before[name]) for name, value in frozen.state_dict().items())


@NDIMS
@pytest.mark.parametrize("stride, groups", [(1, 1), (2, 1), (2, 4)])
@pytest.mark.parametrize("same_padding", [False, True])
def test_a_folded_frozen_norm_equals_convolution_then_norm(ndim, stride, groups, same_padding):
    layer = ConvNorm(ndim, 4, 8, 3, stride, groups, same_padding=same_padding, activation=F.relu).double()
    randomise(layer.norm)
    folded = layer(noise(ndim))
    weight = layer.conv.weight
    (gradient,) = torch.autograd.grad(folded.square().sum(), weight)

    padded = F.pad(noise(ndim), pads_of(SHAPES[ndim], stride)) if layer.same_padding else noise(ndim)
    unfolded = FUNCTIONAL_CONV[ndim](padded, weight, None, stride, 0 if layer.same_padding else 1, groups=groups)
    unfolded = F.relu(layer.norm(unfolded))
    torch.testing.assert_close(folded, unfolded)
    torch.testing.assert_close(gradient, torch.autograd.grad(unfolded.square().sum(), weight)[0])


def pads_of(spatial_shape, stride):
    """For a kernel of 3 and a stride of 2, TensorFlow's table: odd extents (1, 1), even ones (0, 1)."""
    assert stride == 2
    return [pad for size in reversed(spatial_shape) for pad in (size % 2, 1)]


@NDIMS
@pytest.mark.parametrize(
    "row, sums",
    [([1, 2, 3, 4, 5, 6], [1 + 2 + 3, 3 + 4 + 5, 5 + 6]), ([1, 2, 3, 4, 5], [1 + 2, 2 + 3 + 4, 4 + 5])],
    ids=["even", "odd"],
)
def test_same_padding_puts_what_is_odd_at_the_high_end(ndim, row, sums):
    """A kernel of ones at stride 2 sums each axis on its own, worked out by hand."""
    layer = ConvNorm(ndim, 1, 1, 3, 2, norm_eps=0.0, same_padding=True)
    nn.init.ones_(layer.conv.weight)
    summed = layer(outer_product(row, ndim)[None, None])
    assert torch.equal(summed[0, 0], outer_product(sums, ndim))


def test_same_padding_is_symmetric_along_an_axis_of_stride_1():
    layer = ConvNorm(2, 1, 1, 3, (1, 2), norm_eps=0.0, same_padding=True)
    nn.init.ones_(layer.conv.weight)
    summed = layer(outer_product([1, 2, 3, 4], 2)[None, None])[0, 0]
    assert torch.equal(summed, torch.outer(torch.tensor([3.0, 6, 9, 7]), torch.tensor([6.0, 7])))


def outer_product(row, ndim):
    product = torch.tensor(1.0)
    for _ in range(ndim):
        product = product[..., None] * torch.tensor(row, dtype=torch.float32)
    return product


@pytest.mark.parametrize("channels, groups", [(64, 32), (96, 32), (48, 24), (20, 20), (7, 7)])
def test_group_norm_has_at_most_32_groups_and_all_channels_in_one(channels, groups):
    assert norm("group", 2, channels, 1e-5).num_groups == groups


def test_an_unknown_norm_is_an_error():
    with pytest.raises(ValueError, match="layer"):
        norm("layer", 2, 8, 1e-5)


@NDIMS
def test_a_separable_convolution_filters_each_channel_before_it_mixes_them(ndim):
    layer = SeparableConv(ndim, 4, 6).double()
    depthwise, pointwise = layer
    mixed = pointwise.weight * depthwise.weight.movedim(0, 1)  # [out, in, *kernel]
    whole = FUNCTIONAL_CONV[ndim](noise(ndim), mixed, pointwise.bias, padding=1)
    torch.testing.assert_close(layer(noise(ndim)), whole)


@NDIMS
def test_initial_weights_keep_the_size_of_what_passes_through(ndim):
    """He's rule counts by outputs: a layer as wide as it is deep keeps the mean square of a rectified input."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        layer = conv(ndim, 64, 64, 3)
        init_he(layer)
    x = torch.randn(1, 64, *(12,) * ndim, generator=seeded()).relu()
    inner = layer(x)[(..., *[slice(1, -1)] * ndim)].relu()
    assert inner.square().mean().item() == pytest.approx(x.square().mean().item(), rel=0.25)
