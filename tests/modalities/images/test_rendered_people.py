"""Rendered people: the rasteriser against a slow twin, and labels that agree with what is drawn."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from maskrcnn.modalities.images.synthetic import poses
from maskrcnn.modalities.images.synthetic.bodies import Body
from maskrcnn.modalities.images.synthetic.cameras import PORTRAITS, STRAIGHT, View, draw_view, vertex_normals
from maskrcnn.modalities.images.synthetic.clothes import draw_outfit
from maskrcnn.modalities.images.synthetic.rasterise import rasterise
from maskrcnn.modalities.images.synthetic.textures import SIDE, Photos, read_texture, texture
from maskrcnn.surfaces.mesh import load_mesh


def naive_raster(corners, triangles, height, width):
    """Pixel by pixel, triangle by triangle: ``{(row, column): (depth, triangle, weights)}`` of the nearest."""
    seen = {}
    for row in range(height):
        for column in range(width):
            x, y = column + 0.5, row + 0.5
            for k, (a, b, c) in enumerate(corners[triangles]):
                if min(a[2], b[2], c[2]) <= 0:
                    continue
                matrix = np.array([[a[0], b[0], c[0]], [a[1], b[1], c[1]], [1, 1, 1]])
                if abs(np.linalg.det(matrix)) < 1e-9:
                    continue
                flat = np.linalg.solve(matrix, [x, y, 1])
                if (flat < 0).any():
                    continue
                depth = 1 / (flat / [a[2], b[2], c[2]]).sum()
                if (row, column) not in seen or depth < seen[row, column][0]:
                    seen[row, column] = depth, k, flat / [a[2], b[2], c[2]] * depth
    return seen


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(1, 12))
def test_the_nearest_triangle_of_each_pixel(seed, count):
    rng = np.random.default_rng(seed)
    corners = np.column_stack([rng.uniform(-6, 18, (15, 2)), rng.uniform(-0.5, 5, 15)])
    triangles = rng.integers(0, 15, (count, 3))
    expected = naive_raster(corners, triangles, 9, 12)
    found = rasterise(torch.from_numpy(corners), torch.from_numpy(triangles), 9, 12)
    places = list(zip(found.rows.tolist(), found.columns.tolist()))
    assert places == sorted(expected)
    for place, triangle, weights, depth in zip(places, found.triangles.tolist(), found.weights, found.depths.tolist()):
        best, own, parts = expected[place]
        assert depth == pytest.approx(best, rel=1e-5)
        if triangle == own:
            assert weights.numpy() == pytest.approx(parts, abs=1e-5)
        assert weights.sum().item() == pytest.approx(1)


def test_nothing_to_draw():
    behind = torch.tensor([[0.0, 0, -1], [9, 0, -1], [0, 9, -1]])
    for triangles in (torch.zeros((0, 3), dtype=torch.int64), torch.tensor([[0, 1, 2]])):
        assert len(rasterise(behind, triangles, 4, 4).rows) == 0


@settings(max_examples=30, deadline=None)
@given(st.lists(st.floats(-2, 2), min_size=3, max_size=3))
def test_turns_and_their_matrices(turn):
    turn = np.array(turn)
    matrix = poses.rotation(turn)
    assert np.allclose(matrix @ matrix.T, np.eye(3), atol=1e-9) and np.linalg.det(matrix) == pytest.approx(1)
    if np.linalg.norm(turn) < 3.1:
        assert poses.rotation_vector(matrix) == pytest.approx(turn, abs=1e-4)
    mirror = np.diag([-1.0, 1, 1])
    assert np.allclose(poses.rotation(poses.mirrored(turn)), mirror @ matrix @ mirror, atol=1e-9)


def test_poses_keep_to_the_joints_limits():
    """Elbows and knees bend one way."""
    drawn = [poses.draw_pose(np.random.default_rng(k)) for k in range(200)]
    for pose in drawn:
        assert np.dot(pose["lowerarm01.L"], poses.ELBOW) >= -poses.BENT * np.dot(poses.ELBOW, poses.ELBOW) - 1e-9
        for side in "LR":
            assert -0.8 < pose[f"lowerleg01.{side}"][0] < 3.0
            assert np.linalg.norm(pose[f"upperleg01.{side}"]) < np.pi
    assert len({tuple(pose["head"]) for pose in drawn}) == 200


def test_a_body_that_faces_the_camera_has_its_left_on_the_right():
    mesh = load_mesh("anny-24")
    view = View(STRAIGHT, 5.0, 100.0, np.array([32.0, 32.0]))
    projected = view.project(mesh.vertices, mesh.vertices.mean(0))
    left, right = (projected[mesh.rows[mesh.parts == part], 0].mean() for part in (4, 3))
    head, feet = (projected[mesh.rows[np.isin(mesh.parts, parts)], 1].mean() for parts in ((23, 24), (5, 6)))
    assert left > right and head < feet
    front, back = (projected[mesh.rows[mesh.parts == part], 2].mean() for part in (2, 1))
    assert front < back


def test_normals_point_outward():
    mesh = load_mesh("anny-24")
    normals = vertex_normals(mesh.vertices, mesh.triangles())
    assert np.allclose(np.linalg.norm(normals, axis=1), 1)
    back = mesh.rows[mesh.parts == 1]
    assert normals[back, 1].mean() > 0.3  # y is behind


def test_cloth_and_outfits_follow_from_the_seed(tmp_path):
    Image.fromarray(np.full((30, 40, 3), 200, np.uint8)).save(tmp_path / "a.png")
    (tmp_path / "b.png").write_text("no picture")
    photos = Photos([tmp_path / "a.png", tmp_path / "b.png"])
    mesh = load_mesh("anny-24")
    places = mesh.vertices[mesh.rows]
    for seed in range(12):
        first, second = (texture(np.random.default_rng(seed), photos) for _ in range(2))
        assert first.shape == (SIDE, SIDE, 3) and np.array_equal(first, second)
        assert first.min() > -0.5 and first.max() < 1.5
        outfit = draw_outfit(np.random.default_rng(seed), photos)
        colours = outfit.colours(mesh.parts, mesh.uv, places)
        off = outfit.stands_off(mesh.parts, mesh.uv, places)
        assert colours.shape == (len(mesh.rows), 3) and np.isfinite(colours).all()
        assert off.min() > -0.06 and off.max() < 0.15  # metres
    assert read_texture(first, np.array([[0.0, 0.0], [1.0, 2.0]])).tolist() == [first[0, 0].tolist()] * 2


def is_ready() -> bool:
    """The body model is there, and its first start, which takes minutes, has been."""
    pytest.importorskip("anny")
    return any((Path.home() / ".cache" / "anny").glob("*/build_model_data_*"))


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    if not is_ready():
        pytest.skip("anny has not been started yet")
    from maskrcnn.jobs.options.synthetic import PeopleOptions
    from maskrcnn.jobs.synthetic.people import make_people

    out = tmp_path_factory.mktemp("people") / "out"
    made = make_people(PeopleOptions(out, count=4, size=128, seed=3))
    return out, made


def test_labels_agree_with_each_other(made):
    out, count = made
    labels = json.loads((out / "annotations.json").read_text())
    assert labels["info"]["surface"] == "anny-24" and count.pictures == len(labels["images"]) == 4
    assert count.people == len(labels["annotations"]) > 0
    for one in labels["annotations"]:
        iuv = np.asarray(Image.open(out / "iuv" / f"synthetic_{one['image_id']:06d}.png"))
        x, y, width, height = one["bbox"]
        for a, b, part, u, v in zip(*(one[f"dp_{name}"] for name in "xyIUV")):
            pixel = iuv[int(y + b / 256 * height), int(x + a / 256 * width)]
            assert pixel[0] == part and np.abs(pixel[1:] / 255 - [u, v]).max() < 0.003
        points = np.reshape(one["keypoints"], (17, 3))
        assert one["num_keypoints"] == (points[:, 2] > 0).sum()
        for k, parts in ((13, (8, 10, 12, 14)), (14, (7, 9, 11, 13)), (0, (23, 24))):
            column, row, seen = points[k]
            if seen == 2:
                near = iuv[max(int(row) - 3, 0) : int(row) + 5, max(int(column) - 3, 0) : int(column) + 5, 0]
                assert np.isin(near, parts).any(), k


def test_the_same_seed_makes_the_same_pictures(made, tmp_path):
    from maskrcnn.jobs.options.synthetic import PeopleOptions
    from maskrcnn.jobs.synthetic.people import make_people

    out, _ = made
    make_people(PeopleOptions(tmp_path / "again", count=1, first=3, size=128, seed=3))
    for name in ("images/synthetic_000003.jpg", "iuv/synthetic_000003.png"):
        assert (tmp_path / "again" / name).read_bytes() == (out / name).read_bytes()


def test_without_the_body_model_a_sentence_names_the_extra(monkeypatch, tmp_path):
    from maskrcnn.errors import UsageError
    from maskrcnn.modalities.images.synthetic.bodies import Bodies

    monkeypatch.setitem(sys.modules, "anny", None)
    with pytest.raises(UsageError, match=r"maskrcnn\[bodies\]"):
        Bodies()


def test_a_part_of_the_views_are_portraits_whose_heads_are_seen():
    rng = np.random.default_rng(0)
    corners = np.stack(np.meshgrid([-0.3, 0.3], [-0.2, 0.2], np.linspace(0, 1.8, 20)), -1).reshape(-1, 3)
    body = Body(corners.astype(np.float32), np.zeros((17, 3), np.float32))
    tops = []
    for _ in range(600):
        seen = draw_view(rng, body, 200, 200).project(body.vertices, body.vertices.mean(0))
        if np.ptp(seen[:, 1]) > 2 * 200:  # larger than all other views, from close by as well
            tops.append(seen[:, 1].min() / 200)
    share = np.log(4.5 / 2) / np.log(4.5 / 1.5) * PORTRAITS
    assert 0.7 * share < len(tops) / 600 < 1.4 * share
    assert np.mean([-0.5 < top < 0.5 for top in tops]) > 0.95
    assert np.median(tops) == pytest.approx(0.1, abs=0.1)
