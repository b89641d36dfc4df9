"""Gradients of 3-D convolutions over few slices in half precision, in which oneDNN has a fault (see models/nd.py)."""

import pytest
import torch

from maskrcnn.models.nd import CONV

SHAPES = [((2, 4, 4), 3), ((2, 2, 3), 3), ((3, 9, 9), 7), ((1, 5, 5), 3), ((4, 5, 6), 3)]


@pytest.mark.parametrize(("shape", "kernel"), SHAPES)
def test_gradients_in_half_precision_are_those_of_full_precision(shape, kernel):
    torch.manual_seed(0)
    layer = CONV[3](16, 16, kernel, padding=kernel // 2)
    for _ in range(12):
        junk = [torch.full((size,), float("nan"), dtype=torch.bfloat16) for size in (1000, 5000, 50_000, 200_000)]
        del junk  # what is freed here is what a kernel would read that reads memory not its own
        x, pull = torch.randn(2, 16, *shape), torch.randn(2, 16, *shape)
        gradients = []
        for half in (False, True):
            layer.zero_grad(set_to_none=True)
            with torch.autocast("cpu", torch.bfloat16, enabled=half):
                y = layer(x)
            y.backward(pull.to(y.dtype))
            gradients.append(layer.weight.grad.clone())
        assert torch.isfinite(gradients[1]).all()
        assert (gradients[1] - gradients[0]).abs().max() < 0.02 * gradients[0].abs().max()
