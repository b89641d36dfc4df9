"""What is labelled on the surfaces of an image's objects: points, and coarse parts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from maskrcnn.config import SurfaceConfig
from maskrcnn.regions import AxisMap

PartMap = np.ndarray


@dataclass(frozen=True)
class SurfacePoints:
    """Labels of N objects, T points in all, object after object. On the CPU.

    An object may have as many points as one likes, few by hand or one a pixel of a rendered picture, or none.

    Attributes:
        surface: its name, such as ``smpl-24``.
        counts: int64 ``[N]``: points of each object.
        places: float32 ``[T, D]``, x first, in the frame of the objects' boxes.
        parts: int64 ``[T]``: 1..P; 0 where it is known that the object is not there; -g for any part of the
            surface's g-th group.
        uv: float32 ``[T, 2]``, 0..1; not a number where nobody knows more than the part.
        coarse: of each object a uint8 array ``[*G]`` over its box of ``coarse_boxes``: 0 background, else a coarse
            part (1, the body, where the surface's groups do not matter); None where nobody drew one.
        coarse_boxes: float32 ``[N, 2D]``, both corners; in a mirror image the first is the higher one.
    """

    surface: str
    counts: Tensor
    places: Tensor
    parts: Tensor
    uv: Tensor
    coarse: tuple[PartMap | None, ...]
    coarse_boxes: Tensor

    def __len__(self) -> int:
        return len(self.counts)

    @staticmethod
    def blank(surface: str, count: int, ndim: int = 2) -> SurfacePoints:
        """Make labels that say nothing.

        Args:
            surface: its name.
            count: N.
            ndim: D.

        Returns:
            N objects without points.
        """
        return SurfacePoints(
            surface,
            torch.zeros(count, dtype=torch.int64),
            torch.zeros((0, ndim)),
            torch.zeros(0, dtype=torch.int64),
            torch.zeros((0, 2)),
            (None,) * count,
            torch.zeros((count, 2 * ndim)),
        )

    @staticmethod
    def of_objects(
        surface: str,
        objects: Sequence[tuple[np.ndarray, np.ndarray, np.ndarray]],
        coarse: Sequence[PartMap | None] = (),
        coarse_boxes: np.ndarray | None = None,
        ndim: int = 2,
    ) -> SurfacePoints:
        """Put the labels of objects together.

        Args:
            surface: its name.
            objects: of each its places ``[t, D]``, parts ``[t]`` and u, v ``[t, 2]``.
            coarse: of each its coarse parts or None; empty: none has any.
            coarse_boxes: ``[N, 2D]``, where those lie; None where there are none.
            ndim: D.

        Returns:
            The labels.
        """
        blank = SurfacePoints.blank(surface, len(objects), ndim)
        if not objects:
            return blank
        places, parts, uv = (
            np.concatenate([np.asarray(one[k]).reshape(width) for one in objects])
            for k, width in enumerate(((-1, ndim), (-1,), (-1, 2)))
        )
        return SurfacePoints(
            surface,
            torch.tensor([len(np.asarray(parts).reshape(-1)) for _, parts, _ in objects]),
            torch.from_numpy(places.astype(np.float32)),
            torch.from_numpy(parts.astype(np.int64)),
            torch.from_numpy(uv.astype(np.float32)),
            tuple(coarse) or blank.coarse,
            blank.coarse_boxes if coarse_boxes is None else torch.from_numpy(coarse_boxes.astype(np.float32)),
        )

    def __getitem__(self, index: Tensor | np.ndarray | slice) -> SurfacePoints:
        """The objects at ``index``, boolean, integer (repeated as often as it says) or a slice."""
        own = index.detach().cpu().numpy() if isinstance(index, Tensor) else index
        chosen = np.arange(len(self))[own].reshape(-1)
        ends = self.counts.cumsum(0).numpy()
        counts = self.counts.numpy()[chosen]
        within = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)
        rows = torch.from_numpy(np.repeat((ends - self.counts.numpy())[chosen], counts) + within)
        return SurfacePoints(
            self.surface,
            torch.from_numpy(counts),
            self.places[rows],
            self.parts[rows],
            self.uv[rows],
            tuple(self.coarse[i] for i in chosen),
            self.coarse_boxes[torch.from_numpy(chosen)],
        )

    @staticmethod
    def join(labels: Sequence[SurfacePoints]) -> SurfacePoints:
        """The objects of one or more, all of one surface, one after another.

        Raises:
            ValueError: they are of different surfaces.
        """
        names = {own.surface for own in labels}
        if len(names) > 1:
            raise ValueError(f"labels of different surfaces cannot be joined: {', '.join(sorted(names))}")
        return SurfacePoints(
            labels[0].surface,
            torch.cat([own.counts for own in labels]),
            torch.cat([own.places for own in labels]),
            torch.cat([own.parts for own in labels]),
            torch.cat([own.uv for own in labels]),
            tuple(part for own in labels for part in own.coarse),
            torch.cat([own.coarse_boxes for own in labels]),
        )

    def owners(self) -> Tensor:
        """Int64 ``[T]``: the object of each point."""
        return torch.arange(len(self)).repeat_interleave(self.counts)

    def are_known(self) -> Tensor:
        """Bool ``[N]``: the objects of which anything is labelled."""
        return (self.counts > 0) | torch.tensor([part is not None for part in self.coarse], dtype=torch.bool)

    def keep(self, points: Tensor) -> SurfacePoints:
        """The same objects with those points of which ``points`` ``[T]`` is True."""
        counts = torch.zeros_like(self.counts).index_add_(0, self.owners(), points.long())
        return replace(self, counts=counts, places=self.places[points], parts=self.parts[points], uv=self.uv[points])

    def without_coarse(self, objects: Tensor) -> SurfacePoints:
        """Where ``objects`` ``[N]`` is True nobody drew coarse parts."""
        kept = (None if gone else part for part, gone in zip(self.coarse, objects.tolist()))
        return replace(self, coarse=tuple(kept))

    def moved(self, axis_map: AxisMap) -> SurfacePoints:
        """In another frame. A mirror image is one only with :meth:`mirrored` as well."""
        return replace(self, places=axis_map.points(self.places), coarse_boxes=axis_map.corners(self.coarse_boxes))

    def mirrored(self, surface: SurfaceConfig | None) -> SurfacePoints:
        """What the labels tell of a mirror image: left becomes right.

        Args:
            surface: what it says of mirror images holds; None: no more is known than where the object is not.

        Returns:
            The labels at the same places. Where the surface does not say what becomes of u and v, they are unknown.
        """
        if surface is None or surface.name != self.surface:
            return replace(self.keep(self.parts == 0), coarse=tuple(_body(part) for part in self.coarse))
        count = len(surface.parts)
        parts, coarse = mirrored_parts(surface), np.array([0, *mirrored_groups(surface)], dtype=np.uint8)
        table = torch.tensor([*(-g for g in reversed(mirrored_groups(surface))), 0, *parts])
        own = self.parts.clamp(-len(surface.groups), count)
        uv = torch.full_like(self.uv, torch.nan)
        if surface.mirrored_uv:
            scale = self.uv.new_tensor(((1, 0, 1, 0), *surface.mirrored_uv))[own.clamp(min=0)]
            uv = self.uv * scale[:, 0::2] + scale[:, 1::2]
        turned = (part if part is None or part.max(initial=0) <= 1 else coarse[part] for part in self.coarse)
        return replace(self, parts=table[own + len(surface.groups)], uv=uv, coarse=tuple(turned))


def mirrored_parts(surface: SurfaceConfig) -> tuple[int, ...]:
    """Of each part 1..P of a surface, the one that it becomes in a mirror image."""
    return surface.mirrored or tuple(range(1, len(surface.parts) + 1))


def mirrored_groups(surface: SurfaceConfig) -> tuple[int, ...]:
    """Of each group 1..G of a surface, the one that has its mirrored parts; itself where none has."""
    parts = mirrored_parts(surface)
    sets = [frozenset(group) for group in surface.groups]
    turned = [frozenset(parts[part - 1] for part in group) for group in surface.groups]
    return tuple(sets.index(own) + 1 if own in sets else k for k, own in enumerate(turned, 1))


def _body(part: PartMap | None) -> PartMap | None:
    return None if part is None else (part > 0).astype(np.uint8)
