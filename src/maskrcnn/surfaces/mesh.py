"""The mesh of a surface: which vertex lies where on which part, and how far two are apart along the surface."""

from __future__ import annotations

import io
from dataclasses import dataclass
from functools import cached_property, lru_cache
from importlib import resources
from typing import Any

import numpy as np

from maskrcnn.errors import UsageError

MISSING = "distances along a surface need scipy: pip install 'maskrcnn[bodies]', or scipy itself"
AT_ONCE = 2**22  # distances of points on a chart to its vertices


@dataclass(frozen=True)
class SurfaceMesh:
    """A closed mesh whose faces are cut into charts; what lies on the border of two charts has a row in each.

    Attributes:
        surface: its name.
        vertices: float32 ``[V, 3]`` in metres, of a body at rest: x to its left, y to its back, z up.
        rows: int64 ``[K]``: the vertex that each row is.
        parts: int64 ``[K]``: the part 1..P on which it lies.
        uv: float32 ``[K, 2]``: where on that.
        faces: int64 ``[F, 3]``, rows.
        joints: float32 ``[17, 3]`` in metres: COCO's joints, inside the body.
    """

    surface: str
    vertices: np.ndarray
    rows: np.ndarray
    parts: np.ndarray
    uv: np.ndarray
    faces: np.ndarray
    joints: np.ndarray

    def face_parts(self) -> np.ndarray:
        """Int64 ``[F]``: the part of each face."""
        parts: np.ndarray = self.parts[self.faces[:, 0]]
        return parts

    def triangles(self) -> np.ndarray:
        """Int64 ``[F, 3]``: the faces by their vertices."""
        triangles: np.ndarray = self.rows[self.faces]
        return triangles

    def vertices_at(self, parts: np.ndarray, uv: np.ndarray) -> np.ndarray:
        """The vertices nearest to places on the surface.

        Args:
            parts: int ``[T]``, 1..P.
            uv: ``[T, 2]``.

        Returns:
            int64 ``[T]``: of the same part, the one with the nearest u and v; -1 where there is no such part.
        """
        found = np.full(len(parts), -1, dtype=np.int64)
        for part in np.unique(parts):
            own = np.flatnonzero(self.parts == part)
            if len(own) == 0:
                continue
            here = np.flatnonzero(parts == part)
            for some in np.array_split(here, max(1, len(here) * len(own) // AT_ONCE)):
                apart = np.square(uv[some, None].astype(np.float32) - self.uv[own]).sum(2)
                found[some] = self.rows[own[apart.argmin(1)]]
        return found

    def distances(self, sources: np.ndarray, limit: float = np.inf) -> np.ndarray:
        """How far vertices are from all others along the mesh's edges (Dijkstra), which is a little more than along
        the surface.

        Args:
            sources: int ``[T]``, vertices.
            limit: metres beyond which nothing is searched.

        Returns:
            float32 ``[T, V]`` in metres; infinite beyond ``limit``.

        Raises:
            UsageError: scipy is not installed.
        """
        try:
            from scipy.sparse.csgraph import dijkstra
        except ImportError:
            raise UsageError(MISSING) from None
        found: np.ndarray = dijkstra(self._graph, directed=False, indices=sources, limit=limit).astype(np.float32)
        return found

    @cached_property
    def _graph(self) -> Any:
        """Lengths of the edges, sparse ``[V, V]``. Eyes, which touch nothing, hang on the vertices nearest to them."""
        from scipy.sparse import csr_matrix
        from scipy.sparse.csgraph import connected_components
        from scipy.spatial import cKDTree

        triangles = self.triangles()
        sides = np.concatenate([triangles[:, [0, 1]], triangles[:, [1, 2]], triangles[:, [2, 0]]])
        edges = np.unique(np.sort(sides, 1), axis=0)
        size = (len(self.vertices),) * 2
        _, piece = connected_components(csr_matrix((np.ones(len(edges)), edges.T), shape=size), directed=False)
        largest = piece == np.bincount(piece).argmax()
        whole, loose = np.flatnonzero(largest), np.flatnonzero(~largest)
        if len(loose):
            _, nearest = cKDTree(self.vertices[whole]).query(self.vertices[loose])
            edges = np.concatenate([edges, np.column_stack([loose, whole[nearest]])])
        lengths = np.linalg.norm(self.vertices[edges[:, 0]] - self.vertices[edges[:, 1]], axis=1).clip(1e-6)
        return csr_matrix((lengths, edges.T), shape=size)


@lru_cache
def load_mesh(surface: str) -> SurfaceMesh:
    """The mesh of one of the surfaces that are ours to give on.

    Raises:
        UsageError: there is no mesh of this surface here.
    """
    path = resources.files("maskrcnn") / "surfaces" / f"{surface}.npz"
    try:
        packed = io.BytesIO(path.read_bytes())
    except FileNotFoundError:
        raise UsageError(
            f"there is no mesh of the surface {surface!r} in this package: there is one of anny-24"
        ) from None
    with np.load(packed, allow_pickle=False) as kept:
        return SurfaceMesh(
            surface,
            kept["vertices"].astype(np.float32) / 1e4,
            kept["rows"].astype(np.int64),
            kept["parts"].astype(np.int64),
            kept["uv"].astype(np.float32) / 65535,
            kept["faces"].astype(np.int64),
            kept["joints"].astype(np.float32) / 1e4,
        )
