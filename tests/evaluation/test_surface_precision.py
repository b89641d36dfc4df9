"""GPS and GPSm: a slow walk over the mesh as twin, and average precision of made-up people."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from maskrcnn.evaluation.coco import CocoResult, format_table
from maskrcnn.evaluation.surface import SurfaceScores, body_in_file, read_maps
from maskrcnn.files import CACHE
from maskrcnn.regions import Regions
from maskrcnn.structures import Instances, Record
from maskrcnn.surfaces.distances import KAPPA, load_distances
from maskrcnn.surfaces.maps import SurfaceMaps
from maskrcnn.surfaces.mesh import load_mesh
from maskrcnn.surfaces.points import SurfacePoints

pytest.importorskip("scipy")
SHAPE = (60, 90)
SIDE = 24


def person(left, top, seed=0):
    """A square of the body: its box, mask, points, and what a perfect head would tell."""
    rng = np.random.default_rng(seed)
    parts = rng.integers(1, 25, (SIDE, SIDE))
    parts[:4] = 0
    uv = rng.random((2, SIDE, SIDE)).astype(np.float32) * (parts > 0)
    rows, columns = (places[::7] for places in np.nonzero(parts))
    places = np.column_stack([columns + left + 0.5, rows + top + 0.5])
    mask = np.zeros(SHAPE, bool)
    mask[top : top + SIDE, left : left + SIDE] = parts > 0
    return mask, (places, parts[rows, columns], uv[:, rows, columns].T), (np.array([top, left]), parts, uv)


def scene(count=2, labelled=None, surface="anny-24"):
    """A record and perfect detections."""
    people = [person(4 + 40 * k, 6 + 3 * k, k) for k in range(count)]
    regions = Regions.from_masks([mask for mask, _, _ in people], SHAPE)
    nothing = (np.zeros((0, 2)), np.zeros(0), np.zeros((0, 2)))
    told = [points if labelled is None or k in labelled else nothing for k, (_, points, _) in enumerate(people)]
    record = Record(
        "", 1, "a", SHAPE, regions.boxes(), np.ones(count, np.int64), regions,
        surface=SurfacePoints.of_objects(surface, told),
    )  # fmt: skip
    maps = SurfaceMaps(
        surface,
        np.array([low for _, _, (low, _, _) in people]).reshape(-1, 2),
        tuple(parts.astype(np.uint16) for _, _, (_, parts, _) in people),
        tuple(uv for _, _, (_, _, uv) in people),
    )
    boxes = torch.from_numpy(regions.boxes())
    found = Instances(boxes, torch.ones(count, dtype=torch.int64), torch.linspace(0.9, 0.5, count), surface=maps)
    return record, found


def measured(scenes, surface="anny-24", bootstrap=0):
    scores = SurfaceScores(surface, ["person"], None)
    for record, found in scenes:
        scores.add(record, found)
    return scores.added_to(CocoResult({}, len(scenes), 0, 100), bootstrap)


def test_similarity_is_that_of_a_slow_walk_over_the_mesh():
    mesh, distances = load_mesh("anny-24"), load_distances("anny-24")
    rng = np.random.default_rng(0)
    labelled = rng.integers(0, len(mesh.vertices), 12)
    parts, uv = rng.integers(0, 25, 12), rng.random((12, 2))
    found = distances.similarity(parts, uv, labelled)
    exact = mesh.distances(labelled)
    for k, vertex in enumerate(mesh.vertices_at(parts, uv)):
        slow = 0.0 if vertex < 0 else np.exp(-(exact[k, vertex] ** 2) / (2 * KAPPA**2))
        assert found[k] == pytest.approx(slow, abs=0.12)  # landmarks stand for vertices, a few centimetres off
    same = distances.similarity(mesh.parts[:50], mesh.uv[:50], mesh.vertices_at(mesh.parts[:50], mesh.uv[:50]))
    assert same == pytest.approx(1)


@settings(deadline=None, max_examples=20)
@given(st.integers(0, 10**6))
def test_maps_are_read_pixel_by_pixel(seed):
    rng = np.random.default_rng(seed)
    low, shape = rng.integers(-3, 9, 2), rng.integers(1, 9, 2)
    parts, uv = rng.integers(0, 9, shape).astype(np.uint16), rng.random((2, *shape)).astype(np.float32)
    places = rng.uniform(-5, 20, (30, 2))
    found, where = read_maps(SurfaceMaps("x", low[None], (parts,), (uv,)), 0, places)
    for (x, y), part, place in zip(places, found, where):
        row, column = int(np.floor(y)) - low[0], int(np.floor(x)) - low[1]
        inside = 0 <= row < shape[0] and 0 <= column < shape[1]
        assert part == (parts[row, column] if inside else 0)
        assert place.tolist() == (uv[:, row, column].tolist() if inside else [0, 0])


def test_coarse_parts_are_read_at_the_centres_of_pixels():
    drawn = np.random.default_rng(0).integers(0, 2, (256, 256))
    low, body = body_in_file(drawn, np.array([-3.2, 4.6, 20.3, 70.0]), SHAPE)
    assert list(low) == [5, 0] and body.shape == (55, 20)
    for row, column in np.ndindex(body.shape):
        y, x = (row + 5.5 - 4.6) / 65.4 * 256, (column + 0.5 + 3.2) / 23.5 * 256
        assert body[row, column] == drawn[int(y), int(x)]


def test_what_is_perfect_has_an_ap_of_one():
    result = measured([scene(), scene(1)], bootstrap=50)
    for name in ("gps/AP", "gps/AP50", "gps/AR", "gpsm/AP", "gpsm/AP75", "gps/AP/person"):
        assert result.metrics[name] == pytest.approx(1)
    assert result.intervals["gps/AP"] == pytest.approx((1, 1)) and result.notes == ()
    table = format_table(dataclasses.replace(result, metrics={"box/AP": 1.0, **result.metrics}))
    assert [column.header for column in table.columns] == ["", "box", "gps", "gpsm"]


def test_a_body_of_other_parts_is_not_found():
    record, found = scene()
    torn = tuple(np.where(parts > 0, 3, 0).astype(np.uint16) for parts in found.surface.parts)  # all a right hand
    result = measured([(record, dataclasses.replace(found, surface=dataclasses.replace(found.surface, parts=torn)))])
    assert result.metrics["gps/AP"] == 0 and result.metrics["gpsm/AP"] == 0


def test_gpsm_asks_for_the_mask_as_well():
    record, found = scene(1)
    grown = [np.where(parts == 0, 1, parts) for parts in found.surface.parts]
    wide = np.full((SIDE, 3 * SIDE), 1, np.uint16)
    wide[:, :SIDE] = grown[0]
    uv = np.zeros((2, SIDE, 3 * SIDE), np.float32)
    uv[:, :, :SIDE] = found.surface.uv[0]
    maps = dataclasses.replace(found.surface, parts=(wide,), uv=(uv,))
    result = measured([(record, dataclasses.replace(found, surface=maps))])
    iou = (20 * SIDE) / (3 * SIDE * SIDE)
    assert result.metrics["gps/AP"] == pytest.approx(1)
    expected = np.mean([np.sqrt(iou) >= step for step in np.linspace(0.5, 0.95, 10)])
    assert result.metrics["gpsm/AP"] == pytest.approx(expected) and 0 < expected < 1


def test_an_object_without_points_counts_neither_way():
    record, found = scene(2, labelled=[1])
    assert measured([(record, found)]).metrics["gps/AP"] == pytest.approx(1)
    crowd = dataclasses.replace(record, crowd=np.array([False, True]))
    assert measured([(crowd, found)]).metrics["gps/AP"] is None


def test_a_person_who_is_missed_lowers_recall():
    record, found = scene(2)
    assert measured([(record, found[:1])]).metrics["gps/AR"] == pytest.approx(0.5)
    assert measured([(record, found[:0])]).metrics["gps/AP"] == 0


def test_what_cannot_be_measured_is_said(monkeypatch, tmp_path):
    monkeypatch.setenv(CACHE, str(tmp_path))
    load_distances.cache_clear()
    result = measured([scene(surface="smpl-24")], "smpl-24")
    assert result.metrics == {} and str(tmp_path) in result.notes[0] and "smpl-24.npz" in result.notes[0]
    other = measured([scene(surface="smpl-24")])
    assert other.notes == ("GPS is not measured: the labels are of smpl-24, and the model knows anny-24.",)
    assert measured([scene()], "").notes == ()  # a model without a surface
    bare = dataclasses.replace(scene()[0], surface=None)
    assert measured([(bare, scene()[1])]).metrics == {}
