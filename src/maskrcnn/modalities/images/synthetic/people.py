"""A picture with rendered people in it, and of each pixel of them where on the body it lies."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F

from maskrcnn.modalities.images.synthetic.bodies import Bodies
from maskrcnn.modalities.images.synthetic.cameras import HIDDEN_BY, Seen, draw_view, see
from maskrcnn.modalities.images.synthetic.clothes import draw_outfit
from maskrcnn.modalities.images.synthetic.textures import Photos, noise
from maskrcnn.surfaces.mesh import SurfaceMesh

SEVERAL = (0.55, 0.27, 0.12, 0.06)  # how often a picture has one, two, three, four people
LEAST = 60  # pixels that are seen of a person who is labelled


@dataclass(frozen=True)
class Person:
    """What is labelled of one person.

    Attributes:
        mask: bool ``[H, W]``: what is seen of them.
        keypoints: float32 ``[17, 3]``: x, y and COCO's visibility: 2 seen, 1 hidden, 0 outside the picture.
    """

    mask: np.ndarray
    keypoints: np.ndarray


@dataclass(frozen=True)
class Picture:
    """A picture of rendered people.

    Attributes:
        pixels: uint8 ``[H, W, 3]``.
        parts: uint8 ``[H, W]``: of the surface ``anny-24``; 0 where there is nobody.
        uv: float32 ``[H, W, 2]``; 0 there.
        people: the farthest first.
    """

    pixels: np.ndarray
    parts: np.ndarray
    uv: np.ndarray
    people: tuple[Person, ...]


def draw_picture(
    rng: np.random.Generator, bodies: Bodies, mesh: SurfaceMesh, photos: Photos, height: int, width: int
) -> Picture:
    """Draw people of a generator's choice.

    Args:
        rng: all that is drawn follows from it.
        bodies: the body model.
        mesh: of its surface.
        photos: to stand before and to cut cloth from.
        height: of the picture.
        width: of the picture.

    Returns:
        The picture and its labels.
    """
    colours = photos.crop(rng, height, width).copy()
    parts = np.zeros((height, width), np.uint8)
    uv = np.zeros((height, width, 2), np.float32)
    owner = np.full((height, width), -1)
    depth = np.full((height, width), np.inf, np.float32)
    light = _draw_light(rng)
    seen: list[Seen] = []
    for k in range(1 + rng.choice(len(SEVERAL), p=SEVERAL)):
        body = bodies.draw(rng)
        view = draw_view(rng, body, height, width)
        own = see(body, draw_outfit(rng, photos), view, mesh, light, (height, width))
        at = own.rows, own.columns
        colours[at], parts[at], uv[at], owner[at], depth[at] = own.colours, own.parts, own.uv, k, own.depths
        seen.append(own)
        if rng.random() < 0.22:
            _hide(rng, photos, colours, owner, own)
    gone = owner < 0
    parts[gone], uv[gone] = 0, 0
    people = tuple(
        Person(owner == k, _visible(own.keypoints, owner == k, depth)) for k, own in enumerate(seen)
        if np.count_nonzero(owner == k) >= LEAST
    )  # fmt: skip
    for k in range(len(seen)):
        if np.count_nonzero(owner == k) < LEAST:
            parts[owner == k], uv[owner == k] = 0, 0
    return Picture(_photographed(rng, colours, ~gone), parts, uv, people)


def _draw_light(rng: np.random.Generator) -> np.ndarray:
    """``[5]``, see :func:`see`: it comes from the camera's side, mostly from above."""
    direction = rng.normal(0, 1, 3) + [0, 0.8, 0.8]
    direction /= np.linalg.norm(direction)
    around = rng.uniform(0.35, 0.9)
    return np.array([*direction, rng.uniform(0.2, 1.25 - around), around])


def _hide(rng: np.random.Generator, photos: Photos, colours: np.ndarray, owner: np.ndarray, own: Seen) -> None:
    """Put something before a person: a blob or a bar that looks like a piece of a photo."""
    if len(own.rows) == 0:
        return
    height, width = owner.shape
    k = rng.integers(len(own.rows))
    y, x = own.rows[k], own.columns[k]
    size = np.sqrt(len(own.rows)) * rng.uniform(0.2, 0.8)
    rows, columns = np.mgrid[:height, :width].astype(np.float32)
    angle, stretch = rng.uniform(0, np.pi), rng.uniform(0.15, 1)
    along = (columns - x) * np.cos(angle) + (rows - y) * np.sin(angle)
    across = ((rows - y) * np.cos(angle) - (columns - x) * np.sin(angle)) / stretch
    power = rng.choice([2.0, 8.0])
    reach = (np.abs(along) / size) ** power + (np.abs(across) / size) ** power
    cover = reach < 0.4 + 1.2 * noise(rng, height, width, 5)
    colours[cover] = photos.crop(rng, height, width)[cover]
    owner[cover] = -1


def _visible(keypoints: np.ndarray, mask: np.ndarray, depth: np.ndarray) -> np.ndarray:
    """Joints ``[17, 3]`` of x, y and depth with COCO's visibility in the place of depth."""
    height, width = mask.shape
    x, y = np.floor(keypoints[:, 0]), np.floor(keypoints[:, 1])
    inside = (x >= 0) & (x < width) & (y >= 0) & (y < height) & (keypoints[:, 2] > 0)
    column, row = (np.where(inside, v, 0).astype(int) for v in (x, y))
    near = inside & mask[row, column] & (keypoints[:, 2] - depth[row, column] < HIDDEN_BY)
    visibility = np.where(near, 2, np.where(inside, 1, 0))
    labelled: np.ndarray = np.column_stack([keypoints[:, :2], visibility]) * (visibility > 0)[:, None]
    return labelled.astype(np.float32)


def _photographed(rng: np.random.Generator, colours: np.ndarray, person: np.ndarray) -> np.ndarray:
    """As a camera has it, uint8: edges that mix with what is behind, some blur, noise, and one exposure of all."""
    picture = torch.from_numpy(colours.astype(np.float32)).movedim(2, 0)[None]
    soft = F.avg_pool2d(F.pad(picture, (1, 1, 1, 1), mode="replicate"), 3, 1)
    mask = torch.from_numpy(person.astype(np.float32))[None, None]
    mean = F.avg_pool2d(F.pad(mask, (1, 1, 1, 1), mode="replicate"), 3, 1)
    edge = 4 * mean * (1 - mean) * rng.uniform(0.5, 1)
    blur = rng.choice([0.0, rng.uniform(0, 1)])
    picture = picture + (soft - picture) * edge.clamp(min=blur)
    exposed = picture[0].movedim(0, 2).numpy() * rng.uniform(0.75, 1.25) + rng.normal(0, 0.03, 3)
    grain = rng.normal(0, rng.choice([0.0, 0.01, 0.03]), (*person.shape, 1))
    pixels: np.ndarray = (np.rint((exposed + grain).clip(0, 1) * 255)).astype(np.uint8)
    return pixels
