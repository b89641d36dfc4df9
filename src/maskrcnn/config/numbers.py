"""What the numbers and words of a config may be, as types of its fields."""

from __future__ import annotations

from typing import Annotated

from maskrcnn.schema import Between, Entries, OneOf

# What the numbers of a checkpoint may be. Upper ends are far from any model that is of use; they keep a damaged or
# hostile header from asking for memory and time without end.
Channels = Annotated[int, Between(1, 2**16)]  # of a layer; also classes, keypoints
Layers = Annotated[int, Between(0, 64)]
Samples = Annotated[int, Between(1, 2**24)]  # along an axis, or in a list of candidates
Some = Annotated[int, Between(0, 2**24)]
Length = Annotated[float, Between(1e-9, 1e9)]
Part = Annotated[float, Between(0, 1)]
Weight = Annotated[float, Between(0, 1e6)]
Level = Annotated[float, Between(-1e9, 1e9)]  # of brightness
Row = Annotated[tuple[Length, ...], Entries(1, 64)]
Sizes = Annotated[tuple[Row, ...], Entries(1, 64)]
Step = Annotated[tuple[Annotated[int, Between(1, 64)], ...], Entries(1, 3)]
Strides = Annotated[tuple[Step, ...], Entries(5, 5)]
ByAxis = Annotated[tuple[Length, ...], Entries(1, 3)]
Body = Annotated[str, OneOf(("resnet18", "resnet34", "resnet50", "resnet101", "mobilenet_v2", "mobilenet_v3_large"))]
Norm = Annotated[str, OneOf(("frozen", "batch", "group"))]
