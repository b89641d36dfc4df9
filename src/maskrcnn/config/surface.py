"""Surfaces of objects, the head that tells where on one each pixel lies, and how its training compares."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from maskrcnn.config.heads import CloseUpConfig, PoolConfig
from maskrcnn.config.numbers import Channels, Layers, Level, Norm, Part, Samples, Some, Weight
from maskrcnn.schema import Between, Entries, OneOf

Set = Annotated[tuple[Channels, ...], Entries(1, 1024)]
Affine = tuple[Level, Level, Level, Level]


@dataclass(frozen=True)
class SurfaceConfig:
    """A surface cut into parts, each of them a chart with coordinates u and v from 0 to 1 (DensePose, Güler et al.
    2018). Parts are counted from 1; 0 is what does not belong to the object."""

    name: str = ""
    parts: Annotated[tuple[str, ...], Entries(1, 1024)] = ()  # names of part 1, 2, ...
    mirrored: Annotated[tuple[Channels, ...], Entries(0, 1024)] = ()  # of each part, the one it becomes in a mirror
    # image; none: it stays the same
    mirrored_uv: Annotated[tuple[Affine, ...], Entries(0, 1024)] = ()  # of each part (a, b, c, d): in a mirror image
    # u becomes a * u + b and v c * v + d; none: nobody knows
    groups: Annotated[tuple[Set, ...], Entries(0, 1024)] = ()  # sets of parts that a label may tell in the place of
    # one; the first of them are the coarse parts


@dataclass(frozen=True)
class SurfaceHeadConfig:
    """Tells of each bin over a box whether it is body, of which part, and where on that. Defaults: DensePose's."""

    surface: SurfaceConfig = SurfaceConfig()
    pool: PoolConfig = PoolConfig(output_size=28)
    channels: Channels = 512
    convs: Layers = 8  # 3-wide convolutions before the outputs
    norm: Norm | None = None  # after those convolutions: frozen, batch or group; None: none
    atrous: bool = False  # DeepLab's pyramid of dilated convolutions (ASPP) before them
    decoder: Some = 0  # channels of a semantic pyramid branch that makes one level of all, to pool from; 0: none
    coarse: Annotated[int, Between(2, 1025)] = 2  # channels of the coarse segmentation: background and body, or
    # background and the surface's first groups
    enlarged: Annotated[int, Between(1, 16)] = 2  # bilinear, after outputs of two bins for one of the pool's
    labels: Annotated[tuple[Channels, ...], Entries(0, 2**16)] = ()  # of the classes that have this surface; none: all
    closeup: CloseUpConfig | None = None  # looks in the place of pool, decoder and convolutions; None: these do
    decoding: Annotated[str, OneOf(("exact", "whole"))] = (
        "exact"  # where the bins lie in the file; whole: as if the box had whole samples, rounded down (detectron2)
    )


@dataclass(frozen=True)
class SurfaceLossConfig:
    """How training compares points on a surface (DensePose, section 4). Every loss is a mean, so that it does not
    depend on how many points a batch has; DensePose adds u and v up."""

    coarse_weight: Weight = 5.0  # of the coarse segmentation's cross entropy over all bins
    part_weight: Weight = 1.0  # of the parts' cross entropy at labelled points
    uv_weight: Weight = 20.0  # of the smooth L1 of u, and of v, at labelled points of a known place
    uv_beta: Weight = 1.0  # from which difference on it is linear
    positive_iou: Part = 0.7  # of a proposal with its object, from which on its surface is compared
    samples: Samples | None = None  # proposals of one image that are compared; None: all
    aligned: bool = True  # bin k's value lies at k + 0.5; False: at k (DensePose)
