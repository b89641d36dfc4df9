"""BVH (Biovision hierarchy): a skeleton and its motion as text, which Blender and other animation programs read.

Bones turn about the axis that looks at us, so all lies in the picture plane. Its text has no standard; what is written
is what its readers agree upon (Meredith and Maddock, Motion Capture File Formats Explained, 2001).
"""

from __future__ import annotations

from math import cos, radians, sin
from pathlib import Path

from maskrcnn.files import atomic_write
from maskrcnn.video.motion.bones import Rig

PIXELS = 100.0  # of a unit of length


def write_bvh(path: Path, rig: Rig, fps: float) -> None:
    """Write an object's motion.

    Args:
        path: of the file.
        rig: its bones; a unit of the file is :data:`PIXELS` pixels.
        fps: frames a second.
    """
    children: dict[int | None, list[int]] = {}
    for k, bone in enumerate(rig.bones):
        children.setdefault(rig.parent(bone), []).append(k)
    order: list[int] = []
    lines = ["HIERARCHY", f"ROOT {_word(rig.root)}", "{", "  OFFSET 0 0 0"]
    lines.append("  CHANNELS 6 Xposition Yposition Zposition Zrotation Xrotation Yrotation")
    for child in children[None]:
        _joint(rig, child, children, order, lines, "  ")
    lines += ["}", "MOTION", f"Frames: {len(rig.turns)}", f"Frame Time: {1 / fps:.7f}"]
    for (x, y), turns in zip((rig.places / PIXELS).tolist(), rig.turns[:, order].tolist()):
        turned = " ".join(f"{turn:.3f} 0 0" for turn in turns)
        lines.append(f"{x:.4f} {y:.4f} 0 0 0 0 {turned}")
    with atomic_write(path) as beside:
        beside.write_text("\n".join(lines) + "\n", encoding="ascii")


def _joint(
    rig: Rig, k: int, children: dict[int | None, list[int]], order: list[int], lines: list[str], indent: str
) -> None:
    """A bone as a joint at its start; what hangs at its end lies at the bone's offset from there."""
    order.append(k)
    parent = rig.parent(rig.bones[k])
    offset = "0 0 0" if parent is None else _offset(rig, parent)
    lines += [f"{indent}JOINT {_word(rig.bones[k].name)}", f"{indent}{{", f"{indent}  OFFSET {offset}"]
    lines.append(f"{indent}  CHANNELS 3 Zrotation Xrotation Yrotation")
    for child in children.get(k, []):
        _joint(rig, child, children, order, lines, f"{indent}  ")
    if k not in children:
        lines += [f"{indent}  End Site", f"{indent}  {{", f"{indent}    OFFSET {_offset(rig, k)}", f"{indent}  }}"]
    lines.append(f"{indent}}}")


def _offset(rig: Rig, k: int) -> str:
    """The end of a bone from its start when nothing is turned."""
    x, y = _direction(rig.rests[k])
    long = rig.lengths[k] / PIXELS
    return f"{long * x:.4f} {long * y:.4f} 0"


def _direction(degrees: float) -> tuple[float, float]:
    return cos(radians(degrees)), sin(radians(degrees))


def _word(name: str) -> str:
    """A name of one word in ASCII, since readers part lines at spaces."""
    return "".join(c if c.isascii() and (c.isalnum() or c in "_-") else "_" for c in name) or "joint"
