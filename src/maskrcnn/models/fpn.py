"""Feature pyramid network (Lin et al. 2017) over a body, in any number of dimensions."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn

from maskrcnn.models.nd import CONV, conv3, conv_norm, max_pool
from maskrcnn.ops.nd import add_nearest, channels_last, interpolate


class FPN(nn.Module):
    """Body outputs to levels of equal width, finest first, and one coarser level for the RPN's largest anchors.

    Args:
        channels: of each body output.
        out_channels: of every level.
        separable: see :class:`maskrcnn.models.nd.SeparableConv`.
        norm: after every convolution, in the place of its bias; None: none. Not together with ``separable``.
    """

    def __init__(
        self,
        ndim: int,
        channels: list[int],
        out_channels: int,
        separable: bool = False,
        norm: str | None = None,
        norm_eps: float = 1e-5,
    ) -> None:
        super().__init__()
        self.lateral = nn.ModuleList(conv_norm(ndim, c, out_channels, 1, norm, norm_eps) for c in channels)
        self.output = nn.ModuleList(
            conv_norm(ndim, out_channels, out_channels, 3, norm, norm_eps)
            if norm
            else conv3(ndim, out_channels, out_channels, separable)
            for _ in channels
        )
        for layer in self.modules():
            if isinstance(layer, tuple(CONV.values())) and (norm or layer.bias is not None):
                nn.init.kaiming_uniform_(layer.weight, a=1)  # type: ignore[arg-type]
                if layer.bias is not None:
                    nn.init.zeros_(layer.bias)  # type: ignore[arg-type]

    def forward(self, outputs: list[Tensor]) -> list[Tensor]:
        merged = self.lateral[-1](outputs[-1])
        levels = [self.output[-1](merged)]
        for i in reversed(range(len(outputs) - 1)):
            merged = add_nearest(self.lateral[i](outputs[i]), merged)
            levels.insert(0, self.output[i](merged))
        return [*levels, max_pool(levels[-1], 1, 2)]


class Backbone(nn.Module):
    """A body and its pyramid: ``[B, C, *S]`` to levels ``[B, out_channels, *S / stride]``, finest first.

    Args:
        image: the image itself follows the pyramid's levels, for heads that look at it.
        bare: how many of the body's own outputs, the coarsest, follow then, for heads that read them.
        rescaled: the body also looks at the image at this times its size, and its last two outputs of it follow last.

    Attributes:
        gives_first: what the body makes of the image at its first resolution follows the levels (and the image), for
            heads that need it finer than the levels are.
        strides: of each level, D-tuples in tensor order; the last level is the RPN's own.
    """

    def __init__(
        self,
        body: nn.Module,
        fpn: FPN,
        strides: list[tuple[int, ...]],
        image: bool = False,
        bare: int = 0,
        rescaled: float | None = None,
    ) -> None:
        super().__init__()
        self.body = body
        self.fpn = fpn
        self.image = image
        self.bare = bare
        self.rescaled = rescaled
        self.gives_first = False
        self.strides = [*strides, tuple(2 * s for s in strides[-1])]

    def forward(self, x: Tensor) -> list[Tensor]:
        return self.features(x, self._see(x))

    def _see(self, x: Tensor) -> list[Tensor]:
        outputs: list[Tensor] = self.body(channels_last(x), **({"first": True} if self.gives_first else {}))
        return outputs

    def features(self, x: Tensor, outputs: list[Tensor]) -> list[Tensor]:
        """What :meth:`forward` gives, from what the body makes of the image."""
        first, outputs = (outputs[:1], outputs[1:]) if self.gives_first else ([], outputs)
        image = [x] if self.image else []
        return [*self.fpn(outputs), *image, *first, *outputs[len(outputs) - self.bare :], *self._again(x)]

    def _again(self, x: Tensor) -> list[Tensor]:
        if self.rescaled is None:
            return []
        steps = self.strides[len(self.strides) - 2]  # the body's coarsest
        outputs: list[Tensor] = self.body(channels_last(rescale(x, self.rescaled, steps)))
        return outputs[-2:]


def rescale(x: Tensor, factor: float, steps: Sequence[int]) -> Tensor:
    """Resample images to about ``factor`` times their size.

    Args:
        x: ``[B, C, *S]``.
        factor: of the size, along every axis.
        steps: the result is a whole number of these long, tensor order.

    Returns:
        ``[B, C, *S']``.
    """
    shape = [step * max(round(factor * size / step), 1) for size, step in zip(x.shape[2:], steps)]
    return interpolate(x, shape, antialias=True)
