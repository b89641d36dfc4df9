"""Draw the charts of anny-24: docs/pictures of parts and isolines, from the front, the side and behind.

python tools/surface/charts.py docs/images/anny-24.png
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import numpy as np
import torch
import tyro
from PIL import Image

from maskrcnn.modalities.images.synthetic.cameras import STRAIGHT, View, vertex_normals
from maskrcnn.modalities.images.synthetic.poses import rotation
from maskrcnn.modalities.images.synthetic.rasterise import rasterise
from maskrcnn.surfaces.mesh import load_mesh

HEIGHT, WIDTH, FINE = 520, 340, 3
LINES = 8  # of u and of v on a chart


@dataclass(frozen=True)
class Draw:
    out: Annotated[Path, tyro.conf.Positional]
    """Picture to write."""


def colours(count: int) -> np.ndarray:
    """Colours ``[count + 1, 3]`` of parts, 0..255, that neighbours do not share; the first is white."""
    hues = np.arange(count) * 0.618 % 1 * 6
    rgb = np.abs((hues[:, None] + [3, 1, 5]) % 6 - 3) - 1
    return np.vstack([[255, 255, 255], 110 + 130 * rgb.clip(0, 1)])


def view(yaw: float) -> np.ndarray:
    mesh = load_mesh("anny-24")
    turn = STRAIGHT @ rotation(np.array([0, 0, yaw]))
    size = HEIGHT * FINE, WIDTH * FINE
    camera = View(turn, 6.0, 0.56 * 6 * size[0], np.array([size[1] / 2, size[0] / 2]))
    middle = (mesh.vertices.max(0) + mesh.vertices.min(0)) / 2
    corners = camera.project(mesh.vertices, middle)
    raster = rasterise(torch.from_numpy(corners), torch.from_numpy(mesh.triangles()), *size)
    rows = mesh.faces[raster.triangles.numpy()]
    uv = np.einsum("pc,pcd->pd", raster.weights.numpy(), mesh.uv[rows])
    normals = vertex_normals(mesh.vertices, mesh.triangles())[mesh.rows[rows]]
    normal = np.einsum("pc,pcd->pd", raster.weights.numpy(), normals) @ turn.T
    shade = 0.55 + 0.45 * (-normal[:, 2]).clip(0, 1)
    parts = mesh.parts[rows[:, 0]]
    whole = np.full((*size, 3), 255.0)
    at = raster.rows.numpy(), raster.columns.numpy()
    whole[at] = colours(24)[parts] * shade[:, None]
    steps = np.full((*size, 3), -1)
    steps[at] = np.column_stack([parts, np.floor(uv * LINES)])
    for axis in (0, 1):
        for k, dark in ((1, 0.35), (2, 0.7), (0, 0.0)):
            edge = np.diff(steps[..., k], axis=axis, append=-1) != 0
            edge |= np.roll(edge, 1, axis)
            whole[edge] *= dark
    return whole.reshape(HEIGHT, FINE, WIDTH, FINE, 3).mean((1, 3))


def main() -> None:
    flags = tyro.cli(Draw)
    flags.out.parent.mkdir(parents=True, exist_ok=True)
    pictures = [view(yaw) for yaw in (0.0, np.pi / 2, np.pi)]
    Image.fromarray(np.hstack(pictures).astype(np.uint8)).quantize(128).save(flags.out, optimize=True)


if __name__ == "__main__":
    main()
