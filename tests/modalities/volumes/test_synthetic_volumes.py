"""Synthetic volumes: the same for the same seed, labels that touch and are whole, the same places at any spacing."""

from __future__ import annotations

import time

import numpy as np
import pytest

from maskrcnn.errors import UsageError
from maskrcnn.modalities.volumes.synthetic.render import DIAMETER, SMALLEST, rasterise, synthetic_volume
from maskrcnn.modalities.volumes.synthetic.scene import KINDS, SHELLS, TUBES, Scene, Waves, make_scene
from naive import flooded

SHAPE = (40, 44, 48)


@pytest.fixture(scope="module")
def volume():
    return synthetic_volume(1, SHAPE)


def scene_of(seed: int, shape=SHAPE, kinds=KINDS) -> Scene:
    return make_scene(np.random.default_rng(seed), [float(side) for side in shape], kinds, DIAMETER)


def test_shapes_types_and_that_something_is_there(volume):
    assert volume.samples.shape == volume.label_map.shape == SHAPE
    assert (volume.samples.dtype, volume.label_map.dtype) == (np.float32, np.uint16)
    assert np.isfinite(volume.samples).all() and volume.samples.min() >= 0
    numbers = np.unique(volume.label_map)
    assert numbers.tolist() == list(range(len(volume.labels) + 1)) and len(volume.labels) > 5
    assert set(volume.labels.tolist()) == {1, 2, 3}
    assert volume.samples[volume.label_map > 0].mean() > 1.5 * volume.samples[volume.label_map == 0].mean()


def test_the_seed_decides(volume):
    again, other, several = synthetic_volume(1, SHAPE), synthetic_volume(2, SHAPE), synthetic_volume((1, 2), SHAPE)
    for name in ("samples", "label_map", "labels"):
        assert np.array_equal(getattr(volume, name), getattr(again, name))
    assert not np.array_equal(volume.label_map, other.label_map)
    assert not np.array_equal(volume.label_map, several.label_map)


@pytest.mark.parametrize("spacing", [(1, 1, 1), (1, 1, 3), (2, 1, 1)])
def test_every_label_is_one_part(spacing):
    made = synthetic_volume(3, (24, 32, 32), spacing)
    parts = flooded(made.label_map.astype(np.int64), corners=False)
    assert parts.max() == len(made.labels)
    assert np.bincount(made.label_map.ravel())[1:].min() >= SMALLEST


def test_neighbours_touch():
    label_map = synthetic_volume(4, SHAPE, kinds=("blobs",)).label_map
    touching = np.zeros(label_map.max() + 1, dtype=bool)
    for axis in range(3):
        a, b = (np.take(label_map, range(k, label_map.shape[axis] - 1 + k), axis) for k in (0, 1))
        meet = (a > 0) & (b > 0) & (a != b)
        touching[a[meet]] = touching[b[meet]] = True
    assert touching[1:].mean() > 0.6


def test_a_grid_of_waves_is_a_sine_at_each_point():
    waves = Waves.draw(np.random.default_rng(0), 5, (3.0, 9.0), 0.3, channels=3)
    axes = [np.arange(4) * 0.5, np.arange(3) + 0.2, np.arange(5) * 2.0]
    values = waves.over(axes)
    assert values.shape == (3, 4, 3, 5) and values.dtype == np.float32
    for index in np.ndindex(4, 3, 5):
        point = np.array([axis[k] for axis, k in zip(axes, index)])
        sines = [a * np.sin(k @ point + p) for k, p, a in zip(waves.vectors, waves.phases, waves.amplitudes)]
        assert values[(slice(None), *index)] == pytest.approx(sum(sines), abs=1e-5)


def test_a_point_belongs_to_the_body_in_which_it_lies_deepest():
    scene, shape = scene_of(5, (20, 24, 28)), (20, 24, 28)
    axes = [np.arange(side) + 0.5 for side in shape]
    owner, depth = rasterise(scene, axes)
    bends = scene.warp.over(axes)
    for index in np.random.default_rng(0).integers(0, shape, (300, 3)):
        point = index + 0.5 + bends[(slice(None), *index)]
        depths = [
            min(np.linalg.norm(frame @ (point - centre)) for centre, frame in zip(body.centres, body.frames))
            for body in scene.bodies
        ]
        nearest = int(np.argmin(depths))
        assert depth[tuple(index)] == pytest.approx(min(1, depths[nearest]), abs=1e-4)
        if abs(depths[nearest] - 1) > 1e-3 and sorted(depths)[1] - depths[nearest] > 1e-3:
            assert owner[tuple(index)] == (nearest + 1 if depths[nearest] < 1 else 0)
    assert 0.1 < (owner > 0).mean() < 0.9


def test_space_is_bent_but_never_folded():
    for seed in range(5):
        warp = scene_of(seed, (12, 12, 12), (SHELLS,)).warp
        slopes = np.linalg.norm(warp.vectors, axis=1) * np.linalg.norm(warp.amplitudes, axis=1)
        assert 0.1 < slopes.sum() < 1


def test_each_kind_alone_has_its_own_form():
    volumes = {kind: synthetic_volume(6, (48, 48, 48), kinds=(kind,)) for kind in KINDS}
    assert all(set(made.labels.tolist()) == {1} for made in volumes.values())
    longest, middle = {}, {}
    for kind, made in volumes.items():
        of = {k: np.argwhere(made.label_map == k) for k in range(1, len(made.labels) + 1)}
        inner = {k: p for k, p in of.items() if p.min() > 0 and p.max() < 47 and len(p) > 150}  # cut by no side
        assert inner
        spread = [np.sqrt(np.linalg.eigvalsh(np.cov(p.T))) for p in inner.values()]
        longest[kind] = np.median([s[-1] / s[0] for s in spread])
        distance = {k: np.linalg.norm(p - p.mean(0), axis=1) for k, p in inner.items()}
        light = {k: made.samples[tuple(p.T)] for k, p in inner.items()}
        middle[kind] = np.mean(
            [light[k][d <= np.quantile(d, 0.1)].mean() / light[k].mean() for k, d in distance.items()]
        )
    assert longest[TUBES] > 1.5 * longest["blobs"] and longest[SHELLS] < 1.6
    assert middle[SHELLS] < 0.9 and middle["blobs"] > 1.1
    sizes = {kind: np.median(np.bincount(made.label_map.ravel())[1:]) for kind, made in volumes.items()}
    assert sizes[SHELLS] > sizes["blobs"]


def test_classes_are_numbered_as_the_kinds_were_asked_for():
    one = synthetic_volume(7, SHAPE, kinds=("blobs", "shells"))
    other = synthetic_volume(7, SHAPE, kinds=("shells", "blobs"))
    assert np.array_equal(one.label_map, other.label_map)
    assert np.array_equal(one.labels, 3 - other.labels)


def test_at_another_spacing_the_same_objects_are_at_the_same_places():
    cubes = synthetic_volume(8, (48, 40, 40))
    slices = synthetic_volume(8, (16, 40, 40), (1, 1, 3))
    own = np.concatenate([[0], cubes.labels])[cubes.label_map][1::3]  # where the slices have their middles
    other = np.concatenate([[0], slices.labels])[slices.label_map]
    assert (own == other).mean() > 0.99
    seen = [made.samples.reshape(16, -1, 10, 4, 10, 4).mean((1, 3, 5)).ravel() for made in (cubes, slices)]
    assert np.corrcoef(*seen)[0, 1] > 0.97 and seen[0].mean() == pytest.approx(seen[1].mean(), rel=0.02)
    finer = synthetic_volume(8, (96, 80, 80), (0.5, 0.5, 0.5))
    assert abs((finer.label_map > 0).mean() - (cubes.label_map > 0).mean()) < 0.02


def test_light_is_blurred_most_along_z():
    made = synthetic_volume(9, (64, 64, 64), kinds=("blobs",))
    rises = []
    for axis in range(3):
        steps = np.diff(made.samples, axis=axis)
        enters = np.diff((made.label_map > 0).astype(np.int8), axis=axis)
        rises.append((steps * enters).sum() / np.abs(enters).sum())  # where an object begins or ends
    assert rises[0] < 0.75 * min(rises[1:]) and rises[1] == pytest.approx(rises[2], rel=0.1)


def test_it_is_fast():
    start = time.perf_counter()
    synthetic_volume(0)
    assert time.perf_counter() - start < 5  # a quarter of a second on a quiet machine


@pytest.mark.parametrize(
    "options, words",
    [
        ({"kinds": ("cubes",)}, "kinds must be some of blobs, tubes, shells"),
        ({"kinds": ()}, "not none"),
        ({"kinds": ("blobs", "blobs")}, "each once"),
        ({"spacing": (1, 1, 5)}, "spacing of 5 along z is out of range"),
        ({"spacing": (0, 1, 1)}, "spacing of 0 along x"),
        ({"spacing": (1, float("nan"), 1)}, "spacing of nan along y"),
        ({"spatial_shape": (5, 40, 40)}, "5 voxels of 1 along z have no room"),
        ({"spatial_shape": (40, 40, 0)}, "0 voxels of 1 along x"),
    ],
)
def test_what_cannot_be_made_is_refused(options, words):
    with pytest.raises(UsageError, match=words):
        synthetic_volume(0, **options)
