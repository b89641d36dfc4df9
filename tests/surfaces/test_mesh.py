"""The mesh of our own surface."""

from __future__ import annotations

import sys

import numpy as np
import pytest

from maskrcnn.errors import UsageError
from maskrcnn.files import CACHE
from maskrcnn.surfaces.known import ANNY_24
from maskrcnn.surfaces.mesh import SurfaceMesh, load_mesh


@pytest.fixture(scope="module")
def mesh():
    return load_mesh("anny-24")


def small_mesh():
    """Two charts of a folded square, and a point's worth of a loose triangle above it."""
    vertices = np.array([[0, 0, 0], [1, 0, 0], [0, 1, 0], [1, 1, 0], [0, 0, 5], [0.1, 0, 5], [0, 0.1, 5]], np.float32)
    rows = np.array([0, 1, 2, 1, 2, 3, 4, 5, 6])
    parts = np.array([1, 1, 1, 2, 2, 2, 2, 2, 2])
    uv = np.array([[0, 0], [1, 0], [0, 1], [0, 0], [1, 0], [1, 1], [0.2, 0.2], [0.3, 0.2], [0.2, 0.3]], np.float32)
    faces = np.arange(9).reshape(3, 3)
    return SurfaceMesh("made", vertices, rows, parts, uv, faces, np.zeros((17, 3), np.float32))


def naive_distances(mesh, source):
    """Bellman and Ford, edge by edge; what touches nothing hangs on the nearest vertex of the rest."""
    count = len(mesh.vertices)
    edges = {tuple(sorted((int(a), int(b)))) for t in mesh.triangles() for a, b in zip(t, np.roll(t, 1))}
    edges |= {(4, 0), (5, 0), (6, 0)} if count == 7 else set()
    found = np.full(count, np.inf)
    found[source] = 0
    for _ in range(count):
        for a, b in edges:
            length = np.linalg.norm(mesh.vertices[a] - mesh.vertices[b])
            found[a], found[b] = min(found[a], found[b] + length), min(found[b], found[a] + length)
    return found


def test_distances_are_those_of_a_slow_walk():
    pytest.importorskip("scipy")
    mesh = small_mesh()
    assert mesh.triangles().tolist() == [[0, 1, 2], [1, 2, 3], [4, 5, 6]]
    found = mesh.distances(np.arange(4))
    assert np.allclose(found, [naive_distances(mesh, k) for k in range(4)], atol=1e-5)
    assert found[0, 3] == pytest.approx(2)
    assert np.isinf(mesh.distances(np.array([0]), limit=1.5)[0, 3])


def test_without_scipy_a_sentence_names_the_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "scipy.sparse.csgraph", None)
    with pytest.raises(UsageError, match=r"maskrcnn\[bodies\]"):
        small_mesh().distances(np.array([0]))


def test_vertices_at_is_the_nearest_of_the_part(mesh):
    rng = np.random.default_rng(0)
    parts, uv = rng.integers(0, 26, 60), rng.random((60, 2))
    for part, place, found in zip(parts, uv, mesh.vertices_at(parts, uv)):
        own = np.flatnonzero(mesh.parts == part)
        if len(own) == 0:
            assert found == -1 and part in (0, 25)
            continue
        apart = [float(np.sum((mesh.uv[k] - place.astype(np.float32)) ** 2)) for k in own]
        assert apart[[mesh.rows[k] for k in own].index(found)] == pytest.approx(min(apart))


def test_the_charts_cover_the_body(mesh):
    assert sorted(set(mesh.parts)) == list(range(1, len(ANNY_24.parts) + 1))
    assert set(mesh.rows) == set(range(len(mesh.vertices)))
    assert mesh.uv.min() >= 0 and mesh.uv.max() <= 1
    assert (mesh.parts[mesh.faces] == mesh.face_parts()[:, None]).all()  # a face lies on one chart
    back = mesh.vertices[mesh.vertices_at(mesh.parts, mesh.uv)]
    apart = np.linalg.norm(back - mesh.vertices[mesh.rows], axis=1)
    outside = ~np.isin(mesh.parts, (3, 4, 5, 6, 23, 24))  # fingers, toes, ears and the mouth fold over themselves
    assert np.quantile(apart[outside], 0.99) < 0.01 and np.quantile(apart, 0.9) < 0.03  # metres


def test_left_is_the_mirror_image_of_right(mesh):
    """What the surface says of mirror images is true of its mesh."""
    places = mesh.vertices[mesh.rows]
    for part, (other, (a, b, c, d)) in enumerate(zip(ANNY_24.mirrored, ANNY_24.mirrored_uv), 1):
        own, there = np.flatnonzero(mesh.parts == part)[::7], np.flatnonzero(mesh.parts == other)
        expected = mesh.uv[own] * [a, c] + [b, d]
        for k, uv in zip(own, expected):
            apart = np.abs(places[there] - places[k] * [-1, 1, 1]).max(1)
            same = there[apart < 2e-3]
            assert len(same) and np.abs(mesh.uv[same] - uv).max(1).min() < 0.02 or part in (3, 4, 5, 6), (part, k)
    side = {"left": 1, "right": -1}
    for part, name in enumerate(ANNY_24.parts, 1):
        if name.split()[0] in side:
            assert np.sign(places[mesh.parts == part, 0].mean()) == side[name.split()[0]], name
        if name.endswith(("front", "back")):
            twin = ANNY_24.parts.index(name.replace("front", "?").replace("back", "front").replace("?", "back")) + 1
            ahead = places[mesh.parts == part, 1].mean() < places[mesh.parts == twin, 1].mean()
            assert ahead == name.endswith("front"), name


def test_joints_lie_in_their_parts(mesh):
    """The joints' own part is beside them: a left knee is at the end of the left leg's charts."""
    nearest = np.linalg.norm(mesh.vertices[mesh.rows][None] - mesh.joints[:, None], axis=2).argmin(1)
    names = [ANNY_24.parts[part - 1] for part in mesh.parts[nearest]]
    assert "head" in names[0] and "left" in names[13] and "leg" in names[13] and "right" in names[10]


def test_a_surface_without_a_mesh():
    with pytest.raises(UsageError, match="no mesh of the surface 'smpl-24'"):
        load_mesh("smpl-24")


def own_mesh(**changes):
    """What a user's file holds."""
    mesh = small_mesh()
    return {name: getattr(mesh, name) for name in ("vertices", "rows", "parts", "uv", "faces")} | changes


def test_a_mesh_of_ones_own_is_read(monkeypatch, tmp_path):
    monkeypatch.setenv(CACHE, str(tmp_path))
    with pytest.raises(UsageError, match="made.npz into"):
        load_mesh("made")
    np.savez(tmp_path / "made.npz", **own_mesh())
    mesh, made = load_mesh("made"), small_mesh()
    for name in ("vertices", "rows", "parts", "uv", "faces"):
        assert np.array_equal(getattr(mesh, name), getattr(made, name))


FAULTS = {
    "no array uv": {"uv": None},
    r"shape \[V, 3\]": {"vertices": np.zeros((4, 2))},
    "of K rows each": {"parts": np.ones(3)},
    r"shape \[F, 3\]": {"faces": np.zeros((2, 4))},
    "vertices that are not there": {"rows": np.full(9, 7)},
    "rows that are not there": {"faces": np.full((1, 3), 9)},
    "finite numbers in range": {"uv": np.full((9, 2), 1.5)},
    "cannot be read": {"rows": np.array([{}] * 9)},  # Python objects, which only unpickling reads
}


@pytest.mark.parametrize("words", FAULTS)
def test_a_mesh_that_is_none_is_told_so(monkeypatch, tmp_path, words):
    monkeypatch.setenv(CACHE, str(tmp_path))
    arrays = {name: value for name, value in own_mesh(**FAULTS[words]).items() if value is not None}
    np.savez(tmp_path / "made.npz", **arrays)
    with pytest.raises(UsageError, match=words):
        load_mesh("made")


def test_names_of_surfaces_are_no_paths(monkeypatch, tmp_path):
    monkeypatch.setenv(CACHE, str(tmp_path / "in"))
    (tmp_path / "in").mkdir()
    np.savez(tmp_path / "made.npz", **own_mesh())
    with pytest.raises(UsageError, match="no mesh"):
        load_mesh("../made")
