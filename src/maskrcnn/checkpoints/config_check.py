"""Checks that the settings of a model agree with one another, and how large they make it, before it is built.

What one field may be is said by its type (``config/``); here is what several say together.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from maskrcnn.config import ModelConfig, PoolConfig, SurfaceHeadConfig, from_dict, to_dict
from maskrcnn.errors import CheckpointError
from maskrcnn.models.build import build_model
from maskrcnn.models.head import HeadBuilder
from maskrcnn.schema import one_line

MOST_BINS = 2**16  # of one box, over all axes: 40 bins a side in a volume
MOST_SAMPLES = 2**28  # of what the network sees at once: 16,384 a side in an image
DRAWING = (
    *(Tensor.normal_, Tensor.uniform_),
    *(nn.init.normal_, nn.init.uniform_, nn.init.kaiming_normal_, nn.init.kaiming_uniform_),
)
UNBUILDABLE = (ArithmeticError, AssertionError, AttributeError, LookupError, RuntimeError, TypeError, ValueError)


def check_agreement(config: ModelConfig) -> None:
    """Raises CheckpointError for the first setting that contradicts another; the sentence lacks the file."""
    for sentence in _contradictions(config):
        raise CheckpointError(sentence)


def empty_tensors(
    config: ModelConfig, path: object, heads: Mapping[str, HeadBuilder] | None = None
) -> dict[str, Tensor]:
    """Name the tensors of a model with their shapes and types, without memory for them.

    Args:
        config: of the model.
        path: of its file, for sentences.
        heads: builders of the heads that the package does not have, by name.

    Returns:
        Tensors on torch's meta device, by name.

    Raises:
        CheckpointError: there is no such model.
    """
    try:
        from_dict(to_dict(config))  # of a foreign file, whose settings follow from its shapes
        check_agreement(config)
        with torch.device("meta"), _NothingDrawn():
            return build_model(config, heads).state_dict()
    except (*UNBUILDABLE, CheckpointError) as error:
        what = one_line(error) or type(error).__name__
        raise CheckpointError(
            f"{path} describes a model that cannot be built ({what}); update the package or train it again."
        ) from None


class _NothingDrawn(TorchFunctionMode):
    """Random weights of tensors without memory are not drawn: torch would load its compiler to do so, for a second."""

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        named = kwargs or {}
        if func in DRAWING:
            return args[0] if args else named["tensor"]
        return func(*args, **named)


def check_numbers(path: object, name: str, tensor: Tensor) -> None:
    """Refuse weights that are no numbers.

    Args:
        path: of the file, for sentences.
        name: of the tensor.
        tensor: of weights.

    Raises:
        CheckpointError: it holds NaN, infinity or what float32 cannot hold.
    """
    if tensor.is_complex():
        raise CheckpointError(f"{path} holds complex numbers ({one_line(name, 100)}), which no model here has.")
    if tensor.is_floating_point() and not torch.isfinite(tensor.float()).all():
        raise CheckpointError(
            f"{path} holds weights that are NaN or infinite ({one_line(name, 100)}): its training failed, or the file "
            "is damaged; take an earlier checkpoint or train again."
        )
    if name.endswith("running_var") and tensor.numel() and tensor.min() < 0:
        raise CheckpointError(f"{path} holds a negative variance ({one_line(name, 100)}); fetch or train it again.")


def _contradictions(config: ModelConfig) -> Iterator[str]:
    ndim, p = config.ndim, config.preprocess
    for what, entries in _by_axis(config):
        if len(entries) != ndim:
            yield f"its {what} has {len(entries)} entries, and the model has {ndim} axes"
    for what, levels in (("pixel_mean", p.pixel_mean), ("pixel_std", p.pixel_std)):
        if len(levels) != config.in_channels:
            yield f"its {what} has {len(levels)} entries, and the model sees {config.in_channels} channels"
    if p.mirror_channels is not None and sorted(p.mirror_channels) != list(range(config.in_channels)):
        yield "its mirror_channels do not name each channel once"
    if p.log_mel and p.spacing is None:
        yield "its log_mel is for recordings with a spacing"
    if max(p.min_size, p.max_size) ** ndim > MOST_SAMPLES:
        yield f"its images of {max(p.min_size, p.max_size):,} samples along each of {ndim} axes are too large"
    if not config.finds_objects and config.semantic_head is None and config.whole_head is None:
        yield "it looks for no objects and tells no classes, so it says nothing"
    if config.whole_head is not None and len(config.loss.whole_weights) not in (0, config.num_classes):
        yield f"it weighs {len(config.loss.whole_weights)} labels of files, and tells {config.num_classes}"
    if config.semantic_head is not None:
        rows, weights = config.num_classes + int(config.semantic_head.background), config.loss.semantic.class_weights
        if len(weights) not in (0, rows):
            yield f"it weighs {len(weights)} classes of samples, and tells {rows}"
    if config.surface_head is not None:
        yield from _surface_contradictions(config.surface_head)
    for what, pool in _pools(config):
        if pool.output_size**ndim > MOST_BINS:
            yield f"its {what} looks at {pool.output_size:,} bins along each of {ndim} axes, which is too many"
        if (pool.output_size * max(pool.sampling_ratio, 1)) ** ndim > 64 * MOST_BINS:
            yield f"its {what} reads {pool.sampling_ratio} samples a bin along each axis, which is too many"


def _surface_contradictions(head: SurfaceHeadConfig) -> Iterator[str]:
    surface = head.surface
    count = len(surface.parts)
    if not count:
        yield "its surface has no parts"
    if surface.mirrored and sorted(surface.mirrored) != list(range(1, count + 1)):
        yield "its surface's mirrored parts do not name each part once"
    if len(surface.mirrored_uv) not in (0, count):
        yield f"its surface mirrors u and v of {len(surface.mirrored_uv)} parts, and has {count}"
    if any(part > count for group in surface.groups for part in group):
        yield f"its surface has groups of parts beyond the {count} that there are"
    if head.coarse > max(2, len(surface.groups) + 1):
        yield f"it tells {head.coarse - 1} coarse parts, and its surface has {len(surface.groups)} groups"


def _by_axis(config: ModelConfig) -> Iterator[tuple[str, Sequence[float]]]:
    """What has an entry for each axis."""
    p, keypoints, field = config.preprocess, config.keypoint_head, config.box_head.field
    yield from ((name, own) for name, own in (("spacing", p.spacing), ("window", p.window)) if own is not None)
    bodies = [config.backbone, *([keypoints.closeup.body] if keypoints and keypoints.closeup else [])]
    bodies += [config.closeup_mask_head.body] if config.closeup_mask_head else []
    yield from (("reductions", step) for body in bodies for step in body.reductions or ())
    yield from (("anchor shapes", shape) for shape in config.anchors.shapes)
    yield from (("class field's cells", cell) for cells in (field.cells if field else ()) for cell in cells)


def _pools(config: ModelConfig) -> Iterator[tuple[str, PoolConfig]]:
    yield "box_head", config.box_head.pool
    if config.mask_head is not None:
        yield "mask_head", config.mask_head.pool
    if config.keypoint_head is not None:
        yield "keypoint_head", config.keypoint_head.pool
    if config.surface_head is not None:
        yield "surface_head", config.surface_head.pool
