"""How fast people are rendered, in seconds of one core: the rasteriser alone, the body, and whole labelled pictures.

python benchmarks/rendered_people.py [--count 20] [--size 256]
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
import tyro

from maskrcnn.modalities.images.synthetic.bodies import Bodies
from maskrcnn.modalities.images.synthetic.cameras import STRAIGHT, View
from maskrcnn.modalities.images.synthetic.people import draw_picture
from maskrcnn.modalities.images.synthetic.rasterise import rasterise
from maskrcnn.modalities.images.synthetic.textures import Photos
from maskrcnn.surfaces.mesh import load_mesh


@dataclass(frozen=True)
class Bench:
    count: int = 20
    """Pictures."""
    size: int = 256
    """Pixels a side."""


def a_second(count: int, work: Callable[[int], object]) -> float:
    work(0)  # what is loaded at the first call
    start = time.process_time()
    for k in range(count):
        work(k)
    return count / (time.process_time() - start)


def main() -> None:
    flags = tyro.cli(Bench)
    torch.set_num_threads(1)
    bodies, mesh, photos = Bodies(), load_mesh("anny-24"), Photos([])
    drawn = [bodies.draw(np.random.default_rng(k)) for k in range(flags.count)]
    triangles = torch.from_numpy(mesh.triangles())
    view = View(STRAIGHT, 4.0, flags.size * 1.8, np.array([flags.size / 2] * 2))
    corners = [torch.from_numpy(view.project(one.vertices, one.vertices.mean(0))) for one in drawn]
    size = flags.size
    whole = lambda k: draw_picture(np.random.default_rng(k), bodies, mesh, photos, size, size)  # noqa: E731
    print(f"rasteriser: {a_second(flags.count, lambda k: rasterise(corners[k], triangles, size, size)):.0f} a second")
    print(f"bodies: {a_second(flags.count, lambda k: bodies.draw(np.random.default_rng(k))):.0f} a second")
    print(f"whole labelled pictures of 1 to 4 people: {a_second(flags.count, whole):.1f} a second")


if __name__ == "__main__":
    main()
