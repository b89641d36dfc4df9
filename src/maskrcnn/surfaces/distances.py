"""Geodesic point similarity (GPS): how well places on a surface agree with labelled ones (DensePose, Güler et al. 2018,
section 5)."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from maskrcnn.errors import UsageError
from maskrcnn.surfaces.mesh import MISSING, SurfaceMesh, load_mesh

KAPPA = 0.255  # metres; the paper's
SPACING = 0.025  # metres between landmarks, whose distances stand for those of all vertices
FARTHEST = 1.25  # metres beyond which places are taken for infinitely far: their similarity would be below 1e-5


class SurfaceDistances:
    """How far vertices are apart along a surface, by the landmarks nearest to them, which lie in every cell of SPACING.

    Distances from a landmark are computed when they are asked for first, and kept in memory.

    Raises:
        UsageError: scipy is not installed.
    """

    def __init__(self, mesh: SurfaceMesh) -> None:
        try:
            from scipy.spatial import cKDTree
        except ImportError:
            raise UsageError(MISSING) from None
        self.mesh = mesh
        cells = np.floor(mesh.vertices / SPACING).astype(int)
        _, self.landmarks = np.unique(cells, axis=0, return_index=True)
        self.nearest = cKDTree(mesh.vertices[self.landmarks]).query(mesh.vertices)[1]  # of each vertex
        self.rows: dict[int, np.ndarray] = {}

    def __call__(self, found: np.ndarray, labelled: np.ndarray) -> np.ndarray:
        """Distances of T pairs of vertices.

        Args:
            found: int ``[T]``.
            labelled: int ``[T]``; distances are computed from these.

        Returns:
            float32 ``[T]`` in metres; infinite beyond :data:`FARTHEST`.
        """
        a, b = self.nearest[found], self.nearest[labelled]
        new = [k for k in np.unique(b).tolist() if k not in self.rows]
        if new:
            computed = self.mesh.distances(self.landmarks[new], FARTHEST)[:, self.landmarks]
            self.rows |= dict(zip(new, computed))
        return np.array([self.rows[k][m] for m, k in zip(a.tolist(), b.tolist())], np.float32)

    def similarity(self, parts: np.ndarray, uv: np.ndarray, labelled: np.ndarray) -> np.ndarray:
        """GPS of places, of which that of an object is the mean.

        Args:
            parts: int ``[T]``, what was found at labelled points; no part of the surface: nothing.
            uv: ``[T, 2]``, 0..1.
            labelled: int ``[T]``: the vertices that the points are.

        Returns:
            float64 ``[T]``: ``exp(-d^2 / (2 KAPPA^2))`` of the distance d; 0 where nothing was found.
        """
        placed = self.mesh.vertices_at(parts, uv)
        apart = np.full(len(placed), np.inf)
        known = (placed >= 0) & (labelled >= 0)
        apart[known] = self(placed[known], labelled[known])
        similar: np.ndarray = np.exp(-np.square(apart) / (2 * KAPPA**2))
        return similar


@lru_cache
def load_distances(surface: str) -> SurfaceDistances:
    """Those of a surface whose mesh is there, see :func:`maskrcnn.surfaces.mesh.load_mesh`.

    Raises:
        UsageError: there is no mesh of it, or one that cannot be read, or scipy is not installed.
    """
    return SurfaceDistances(load_mesh(surface))
