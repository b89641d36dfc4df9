"""Where a rendered body stands before the camera, and what of it each pixel shows."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

from maskrcnn.modalities.images.synthetic.bodies import Body
from maskrcnn.modalities.images.synthetic.clothes import Outfit
from maskrcnn.modalities.images.synthetic.poses import rotation
from maskrcnn.modalities.images.synthetic.rasterise import rasterise
from maskrcnn.surfaces.mesh import SurfaceMesh

PORTRAITS = 0.3  # how often a body is seen from close by: the head and shoulders, or down to the waist
HIDDEN_BY = 0.13  # metres that a joint may lie behind what is seen before it counts as hidden: they lie inside bodies


@dataclass(frozen=True)
class View:
    """How a camera looks at one body.

    Attributes:
        turn: ``[3, 3]``, from the body's axes to the camera's: x to the right, y down, z away.
        distance: metres to the body's middle.
        focal: in pixels.
        centre: ``[2]``, x first, where the body's middle is seen.
    """

    turn: np.ndarray
    distance: float
    focal: float
    centre: np.ndarray

    def project(self, places: np.ndarray, middle: np.ndarray) -> np.ndarray:
        """Places ``[V, 3]`` of a body whose middle is ``middle`` to x, y in pixels and depth in metres, float32."""
        seen = (places - middle) @ self.turn.T
        depth = seen[:, 2] + self.distance
        flat = seen[:, :2] / np.maximum(depth, 1e-3)[:, None] * self.focal + self.centre
        projected: np.ndarray = np.column_stack([flat, depth]).astype(np.float32)
        return projected


STRAIGHT = np.array([[1.0, 0, 0], [0, 0, -1], [0, 1, 0]])  # faces the camera: its left is on the picture's right


def draw_view(rng: np.random.Generator, body: Body, height: int, width: int) -> View:
    """A camera by chance: mostly from the front, from behind and the side as well, from a little above or below.

    Args:
        rng: all that is drawn follows from it.
        body: that is looked at.
        height: of the picture.
        width: of the picture.

    Returns:
        The camera.
    """
    yaw = rng.choice([rng.normal(0, 0.6), np.pi + rng.normal(0, 0.6), rng.uniform(-np.pi, np.pi)], p=[0.45, 0.2, 0.35])
    pitch = rng.normal(0.1, 0.2)
    roll = rng.normal(0, 0.12) if rng.random() < 0.9 else rng.uniform(-np.pi, np.pi)
    turn = rotation(np.array([0, 0, roll])) @ rotation(np.array([pitch, 0, 0])) @ STRAIGHT
    turn = turn @ rotation(np.array([0, 0, yaw]))
    spread = (body.vertices - body.vertices.mean(0)) @ turn.T
    extent = np.ptp(spread[:, :2], 0)
    portrait = bool(rng.random() < PORTRAITS)
    least, most = (1.5, 4.5) if portrait else (0.25, 1.5)
    size = height * np.exp(rng.uniform(np.log(least), np.log(most)))
    distance = rng.uniform(2.0, 7.0)
    focal = size / max(extent[1], 0.7 * extent[0]) * distance
    centre = np.array([width * rng.uniform(0.15, 0.85), height * rng.uniform(0.35, 0.65)])
    if portrait:  # its top is near the picture's, a little above or below
        top = spread[:, 1].min() * focal / distance
        centre[1] = height * rng.uniform(-0.1, 0.3) - top
    elif size > height:  # where it is not seen whole, mostly the upper part is
        centre[1] = size * rng.uniform(0.35, 0.55) if rng.random() < 0.8 else height - size * rng.uniform(0.35, 0.5)
    return View(turn, distance, focal, centre)


@dataclass(frozen=True)
class Seen:
    """The pixels of one body that a picture shows, P of them, row by row.

    Attributes:
        rows: int64 ``[P]``.
        columns: int64 ``[P]``.
        parts: uint8 ``[P]``, 1..24.
        uv: float32 ``[P, 2]``.
        colours: float32 ``[P, 3]``, 0..1.
        depths: float32 ``[P]``, metres.
        keypoints: float32 ``[17, 3]``: x, y and depth of each joint.
    """

    rows: np.ndarray
    columns: np.ndarray
    parts: np.ndarray
    uv: np.ndarray
    colours: np.ndarray
    depths: np.ndarray
    keypoints: np.ndarray


def see(body: Body, outfit: Outfit, view: View, mesh: SurfaceMesh, light: np.ndarray, shape: tuple[int, int]) -> Seen:
    """Draw a dressed body.

    Args:
        body: that stands before the camera.
        outfit: what it wears.
        view: of the camera.
        mesh: of the surface.
        light: ``[5]``: its direction in the camera's axes, its strength, and that of light from everywhere.
        shape: height and width of the picture.

    Returns:
        What is seen of it.
    """
    triangles = mesh.triangles()
    normals = vertex_normals(body.vertices, triangles)
    off = np.zeros(len(mesh.vertices))
    off[mesh.rows] = outfit.stands_off(mesh.parts, mesh.uv, mesh.vertices[mesh.rows])
    middle = body.vertices.mean(0)
    corners = view.project(body.vertices + normals * off[:, None], middle)
    raster = rasterise(torch.from_numpy(corners), torch.from_numpy(triangles), *shape)
    face, weights = raster.triangles.numpy(), raster.weights.numpy()
    rows = mesh.faces[face]
    parts = mesh.parts[rows[:, 0]]
    uv = np.einsum("pc,pcd->pd", weights, mesh.uv[rows])
    at_rest = np.einsum("pc,pcd->pd", weights, mesh.vertices[mesh.rows[rows]])
    normal = np.einsum("pc,pcd->pd", weights, normals[triangles[face]]) @ view.turn.T
    normal /= np.linalg.norm(normal, axis=1, keepdims=True).clip(1e-6)
    folds = outfit.folds(at_rest * 1.7 + 3)
    lit = light[4] + light[3] * (-(normal @ light[:3]) + 0.12 * folds).clip(0)
    colours = (outfit.colours(parts, uv, at_rest) * lit[:, None]).clip(0, 1)
    return Seen(
        raster.rows.numpy(),
        raster.columns.numpy(),
        parts.astype(np.uint8),
        uv.astype(np.float32),
        colours.astype(np.float32),
        raster.depths.numpy(),
        view.project(body.keypoints, middle),
    )


def vertex_normals(vertices: np.ndarray, triangles: np.ndarray) -> np.ndarray:
    """``[V, 3]`` of length 1: the mean of the faces round each vertex, weighted by their area."""
    corners = vertices[triangles]
    faces = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    total = np.stack(
        [np.bincount(triangles.reshape(-1), np.repeat(faces[:, axis], 3), len(vertices)) for axis in range(3)], 1
    )
    unit: np.ndarray = total / np.linalg.norm(total, axis=1, keepdims=True).clip(1e-12)
    return unit
