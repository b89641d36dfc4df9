"""Every object of a large image comes out of its tiles exactly once and whole.

The predictor of these tests is exact: an image is a map of object numbers, and it finds what a tile shows of them, cut
at the tile's borders, as a perfect model would.
"""

import dataclasses
import json

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

import naive
from cases import NDIMS, few
from maskrcnn.errors import UsageError
from maskrcnn.inference.predictor import Predictor
from maskrcnn.inference.tiling import merging
from maskrcnn.inference.tiling.tiles import Tiling, choose_tiling, merge_tiles, predict_tiles, tile_slices
from maskrcnn.regions import Regions
from maskrcnn.structures import Instances
from tiny import noise, save_photo, tiny_info, tiny_model, write_coco

TILE, OVERLAP = 40, 0.3  # neighbours share 12 samples


class Exact:
    """Finds all of an object that it is shown.

    Args:
        label_of: the class of each object number; 1 where there is none.
        masks: with masks, or boxes only.
        jitter: shift each mask and each side of each box by up to this many samples.
    """

    def __init__(self, label_of=None, masks=True, jitter=0, seed=0):
        self.label_of, self.masks, self.jitter = label_of or {}, masks, jitter
        self.random = np.random.default_rng(seed)
        self.shapes = []

    def __call__(self, tiles):
        return [self.look_at(tile[0].numpy()) for tile in tiles]

    def look_at(self, shown):
        self.shapes.append(shown.shape)
        numbers = [int(n) for n in np.unique(shown) if n]
        windows = [self.shifted(shown == n) for n in numbers]
        regions = Regions.from_masks(windows, shown.shape)
        limit = np.array(shown.shape[::-1] * 2)
        boxes = Regions.from_masks([shown == n for n in numbers], shown.shape).boxes()
        boxes = (boxes + self.random.integers(-self.jitter, self.jitter + 1, (len(numbers), 1))).clip(0, limit)
        scores = torch.from_numpy(self.random.uniform(0.5, 1, len(numbers)).astype(np.float32))
        return Instances(
            torch.from_numpy(boxes.astype(np.float32)),
            torch.tensor([self.label_of.get(n, 1) for n in numbers], dtype=torch.int64),
            scores,
            regions=regions if self.masks else None,
            # the point says which object it is, the last number which look it was
            keypoints=torch.tensor([[[0.0] * shown.ndim + [float(s)]] for s in scores]).reshape(-1, 1, shown.ndim + 1),
        )

    def shifted(self, mask):
        for axis in range(mask.ndim):
            step = int(self.random.integers(-self.jitter, self.jitter + 1))
            rolled = np.roll(mask, step, axis)
            edge = [slice(None)] * mask.ndim
            edge[axis] = slice(0, step) if step > 0 else slice(mask.shape[axis] + step, None)
            if step:
                rolled[tuple(edge)] = False
            mask = rolled
        return mask


def find(label_map, tile=TILE, overlap=OVERLAP, predictor=None):
    image = torch.from_numpy(np.asarray(label_map).astype(np.int32))[None]
    return predict_tiles(predictor or Exact(), image, tile, overlap)


def masks_of(found):
    return [found.regions.mask(i) for i in range(len(found))]


def assert_once_and_whole(found, label_map):
    """The masks found are those of the map, each once; boxes are theirs."""
    truth = {mask.tobytes() for mask in (label_map == n for n in np.unique(label_map) if n)}
    seen = [mask.tobytes() for mask in masks_of(found)]
    assert len(seen) == len(truth) and set(seen) == truth
    np.testing.assert_array_equal(found.boxes.numpy(), found.regions.boxes())
    assert found.regions.spatial_shape == label_map.shape
    assert (found.scores.diff() <= 0).all()


def ball(shape, center, radii):
    grid = np.ogrid[tuple(slice(0, n) for n in shape)]
    return sum(((g - c) / r) ** 2 for g, c, r in zip(grid, center, radii)) <= 1


def balls(shape, *objects):
    """A map of objects (centre, radius or radii), the later ones on top."""
    label_map = np.zeros(shape, dtype=np.int32)
    for number, (center, radii) in enumerate(objects, start=1):
        radii = (radii,) * len(shape) if isinstance(radii, int | float) else radii
        label_map[ball(shape, center, radii)] = number
    return label_map


# Cutting


@NDIMS
@pytest.mark.parametrize("extent", [1, 39, 40, 41, 68, 69, 100, 333])
def test_tiles_cover_everything_share_enough_and_have_one_shape(ndim, extent):
    shape = (extent, 57, 23)[:ndim]
    slices = tile_slices(shape, TILE, OVERLAP)
    covered = np.zeros(shape, dtype=int)
    for where in slices:
        covered[where] += 1
        assert [s.stop - s.start for s in where] == [min(TILE, n) for n in shape]
    assert covered.min() == 1
    starts = sorted({where[0].start for where in slices})
    assert starts[0] == 0 and all(0 < b - a <= TILE - 12 for a, b in zip(starts, starts[1:]))


def test_no_more_tiles_than_needed():
    assert [s[0].start for s in tile_slices((40,), 40, 0.25)] == [0]
    assert [s[0].start for s in tile_slices((70,), 40, 0.25)] == [0, 30]
    assert [s[0].start for s in tile_slices((71,), 40, 0.25)] == [0, 16, 31]


def test_the_predictor_sees_a_few_tiles_at_a_time():
    calls = []

    def predict(tiles):
        calls.append(len(tiles))
        return Exact()(tiles)

    find(np.zeros((100, 100)), predictor=predict)
    assert sum(calls) == len(tile_slices((100, 100), TILE, OVERLAP)) and max(calls) <= 4


# Whole objects


@NDIMS
def test_objects_smaller_than_the_overlap_wherever_they_lie(ndim):
    shape = (90, 70, 40)[:ndim]
    for place in range(20, 56, 3):
        center = (place, 35, 20)[:ndim]
        label_map = balls(shape, (center, 5))
        assert_once_and_whole(find(label_map), label_map)


@NDIMS
def test_objects_larger_than_the_overlap_and_than_a_tile(ndim):
    shape = (150, 70, 44)[:ndim]
    for radius in (9, 17, 30, 60):
        label_map = balls(shape, ((70, 34, 20)[:ndim], (radius, 25, 12)[:ndim]))
        assert_once_and_whole(find(label_map), label_map)


def test_an_object_at_a_corner_of_four_tiles():
    for radius in (4, 8, 12, 16, 22, 30):
        label_map = balls((80, 80), ((34, 34), radius))
        assert_once_and_whole(find(label_map), label_map)


def test_an_object_of_the_whole_image():
    label_map = np.ones((100, 130), dtype=np.int32)
    assert_once_and_whole(find(label_map), label_map)


def test_a_bent_object_whose_ends_one_tile_sees_apart():
    label_map = np.zeros((40, 100), dtype=np.int32)
    label_map[5:12, 5:95] = label_map[30:37, 5:95] = label_map[5:37, 88:95] = 1

    class Connected(Exact):
        """Takes what does not hang together for two objects."""

        def look_at(self, shown):
            legs = shown.copy()
            if shown[:, -8:].any() and not (shown[12:30] > 0).any():
                legs[20:][shown[20:] > 0] = 2
            return super().look_at(legs)

    predictor = Connected()
    found = find(label_map, 60, 0.5, predictor)
    assert_once_and_whole(found, label_map)
    assert len(predictor.shapes) == 3


# Neighbours


@NDIMS
def test_neighbours_that_touch_at_a_seam_stay_two(ndim):
    shape = (90, 40, 30)[:ndim]
    for seam in range(20, 60):
        label_map = np.zeros(shape, dtype=np.int32)
        inner = (slice(5, 30), slice(5, 25))[: ndim - 1]
        label_map[(slice(seam - 18, seam), *inner)] = 1
        label_map[(slice(seam, seam + 25), *inner)] = 2
        assert_once_and_whole(find(label_map), label_map)


def test_long_neighbours_side_by_side_stay_apart_across_many_tiles():
    label_map = np.zeros((60, 200), dtype=np.int32)
    for k in range(6):
        label_map[5 + 8 * k : 13 + 8 * k, 3:197] = k + 1
    assert_once_and_whole(find(label_map), label_map)


def test_objects_of_other_labels_are_not_joined():
    label_map = np.zeros((30, 60), dtype=np.int32)
    label_map[5:25, 5:55] = 1
    tiles = tile_slices((30, 60), TILE, OVERLAP)
    found = [Exact({1: t + 1}).look_at(label_map[where]) for t, where in enumerate(tiles)]
    assert len(found) == 2
    assert len(merge_tiles(found, tiles, (30, 60))) == 2
    for instances in found:
        instances.labels = torch.ones_like(instances.labels)
    assert len(merge_tiles(found, tiles, (30, 60))) == 1


# Scores, keypoints, boxes


def test_the_best_score_counts_and_the_best_look_gives_the_keypoints():
    label_map = balls((40, 100), ((20, 50), (10, 45)))
    tiles = tile_slices((40, 100), TILE, OVERLAP)
    found = [Exact().look_at(label_map[where]) for where in tiles]
    for instances, score in zip(found, (0.6, 0.8, 0.9, 0.7)):
        instances.scores[:] = instances.keypoints[..., -1] = score
    merged = merge_tiles(found, tiles, (40, 100))
    assert (len(found), len(merged)) == (4, 1)
    torch.testing.assert_close(merged.scores, torch.tensor([0.9]))
    torch.testing.assert_close(merged.keypoints, torch.tensor([[[tiles[2][1].start, 0.0, 0.9]]]))  # moved with its tile


@NDIMS
def test_boxes_alone_are_joined_to_their_hull(ndim):
    shape = (150, 70, 44)[:ndim]
    for radius in (5, 30):
        label_map = balls(shape, ((70, 34, 20)[:ndim], (radius, 25, 12)[:ndim]))
        found = find(label_map, predictor=Exact(masks=False))
        assert found.regions is None
        np.testing.assert_array_equal(found.boxes.numpy(), Regions.from_masks([label_map > 0], shape).boxes())


def test_nothing_found_is_an_empty_canvas():
    found = find(np.zeros((100, 70)))
    assert (len(found), found.boxes.shape, found.regions.spatial_shape) == (0, (0, 4), (100, 70))


def test_more_than_a_hundred_objects():
    centers = [(y, x) for y in range(6, 295, 11) for x in range(6, 295, 11)]
    label_map = balls((300, 300), *((center, 4) for center in centers))
    found = find(label_map, 64)
    assert len(found) == len(centers) == 729
    assert_once_and_whole(found, label_map)


# Objects at random


@st.composite
def maps(draw):
    ndim = draw(st.integers(1, 3))
    shape = tuple(draw(st.integers(20, limit)) for limit in (220, 110, 50)[:ndim])
    random = np.random.default_rng(draw(st.integers(0, 10_000)))
    objects = [
        ([random.uniform(0, n) for n in shape], [random.uniform(1, draw(st.sampled_from([6, 15, 45])))] * ndim)
        for _ in range(draw(st.integers(0, 12)))
    ]
    return balls(shape, *((c, [r * random.uniform(0.6, 1.6) for r in radii]) for c, radii in objects))


def connected(label_map):
    """The map with each object replaced by what hangs together: a number for each piece."""
    pieces = np.zeros_like(label_map)
    for index in np.ndindex(*label_map.shape):
        if label_map[index] and not pieces[index]:
            number = pieces.max() + 1
            stack = [index]
            while stack:
                at = stack.pop()
                if pieces[at] == 0 and label_map[at] == label_map[index]:
                    pieces[at] = number
                    for axis in range(label_map.ndim):
                        for step in (-1, 1):
                            beside = at[axis] + step
                            if 0 <= beside < label_map.shape[axis]:
                                stack.append((*at[:axis], beside, *at[axis + 1 :]))
    return pieces


@few
@given(maps(), st.sampled_from([0.15, 0.3, 0.5]))
def test_any_map_comes_out_as_it_is(label_map, overlap):
    label_map = connected(label_map)
    found = find(label_map, TILE, overlap)
    assert_once_and_whole(found, label_map)


def test_it_takes_the_merge_to_pass(monkeypatch):
    label_map = balls((80, 80), ((34, 34), 22), ((60, 60), 5))
    monkeypatch.setattr(merging, "AGREEMENT", 2.0)
    monkeypatch.setattr(merging, "CONTAINED", 2.0)
    assert len(find(label_map)) > 2


def test_glueing_all_that_meets_does_not_pass(monkeypatch):
    label_map = np.zeros((60, 200), dtype=np.int32)
    label_map[5:30, 5:195], label_map[30:55, 5:195] = 1, 2
    assert len(find(label_map, predictor=Exact(jitter=1))) == 2
    monkeypatch.setattr(merging, "AGREEMENT", 0.0)
    monkeypatch.setattr(merging, "_seen_as_two", lambda parts, a, b: False)
    assert len(find(label_map, predictor=Exact(jitter=1))) != 2


@NDIMS
def test_a_sample_of_jitter_splits_and_glues_nothing(ndim):
    random = np.random.default_rng(ndim)
    shape, step = (230, 130, 54)[:ndim], (29, 27, 26)[:ndim]
    shape = shape if ndim < 3 else (80, 60, 54)
    grid = np.ndindex(*(n // s for n, s in zip(shape, step)))
    centers = [[s * (k + 0.5) + random.uniform(-2, 2) for s, k in zip(step, at)] for at in grid]
    label_map = balls(shape, *((center, random.uniform(6, 14)) for center in centers))
    truth = [label_map == n for n in np.unique(label_map) if n]
    for seed in range(6):
        found = find(label_map, TILE, 0.45, Exact(jitter=1, seed=seed))
        masks = masks_of(found)
        overlaps = [max(np.count_nonzero(m & t) / np.count_nonzero(m | t) for m in masks) for t in truth]
        assert len(found) == len(truth) and min(overlaps) > 0.5


# The slow twin


def assert_like_the_twin(found, tiles, shape, margin):
    """``found[t]`` merged here and by full-size masks."""
    windows = [[s.start for s in where[::-1]] + [s.stop for s in where[::-1]] for where in tiles]
    parts = []
    for t, (instances, where) in enumerate(zip(found, tiles)):
        for i in range(len(instances)):
            mask = np.zeros(shape, dtype=bool)
            mask[where] = instances.regions.mask(i)
            box = (instances.boxes[i].numpy() + np.array(windows[t][: len(shape)] * 2)).tolist()
            parts.append((t, int(instances.labels[i]), float(instances.scores[i]), box, mask))
    expected = naive.merge_tiles(parts, windows, shape, margin)
    merged = merge_tiles(found, tiles, shape, margin)
    assert [int(label) for label in merged.labels] == [label for label, _, _ in expected]
    np.testing.assert_allclose(merged.scores.numpy(), [score for _, score, _ in expected])
    for mask, (_, _, other) in zip(masks_of(merged), expected):
        np.testing.assert_array_equal(mask, other)
    return len(parts) - len(expected)


@NDIMS
def test_the_merge_is_that_of_full_size_masks(ndim):
    shape, tile = {1: ((60,), 24), 2: ((34, 40), 18), 3: ((16, 18, 14), 11)}[ndim]
    tiles = tile_slices(shape, tile, 0.4)
    merged_away = 0
    for seed in range(12):
        random = np.random.default_rng(seed)
        objects = [([random.uniform(0, n) for n in shape], random.uniform(2, 9)) for _ in range(6)]
        exact = Exact({n: 1 + n % 2 for n in range(9)}, jitter=seed % 4, seed=seed)
        label_map = balls(shape, *objects)
        found = [exact.look_at(label_map[where]) for where in tiles]
        found = [instances[torch.from_numpy(instances.regions.areas() > 0)] for instances in found]
        merged_away += assert_like_the_twin(found, tiles, shape, 1.0)
    assert merged_away > 20


# Which images are tiled


def test_a_number_tiles_what_is_longer():
    tiling = choose_tiling("64", 0.25, {"tile": 512})
    assert tiling == choose_tiling(64, 0.25, {}) == Tiling(64)
    assert [tiling.applies_to(shape) for shape in [(64, 64), (20, 65), (65,)]] == [False, True, True]


def test_auto_is_what_the_model_says_for_images_much_longer():
    tiling = choose_tiling("auto", 0.3, {"tile": 512})
    assert (tiling.tile, tiling.overlap) == (512, 0.3)
    assert [tiling.applies_to((20, width)) for width in (512, 768, 769)] == [False, False, True]
    assert choose_tiling("auto", 0.3, {}) is choose_tiling("auto", 0.3, {"tile": "large"}) is None


def test_off_is_off():
    assert choose_tiling("off", 0.25, {"tile": 512}) is None


@pytest.mark.parametrize("tile, overlap", [("8", 0.25), (0, 0.25), ("all", 0.25), ("-64", 0.25), (64, 0.0), (64, 0.9)])
def test_what_makes_no_sense_is_refused(tile, overlap):
    with pytest.raises(UsageError):
        choose_tiling(tile, overlap, {})


# The predictor and the commands


def predictor(notes=None, **changes):
    model = tiny_model(**changes)
    return Predictor(model, dataclasses.replace(tiny_info(model), notes=notes or {}))


def photo(height, width):
    return torch.from_numpy(noise(height, width)).permute(2, 0, 1)


def assert_equal(a, b):
    for one, two in ((a.boxes, b.boxes), (a.labels, b.labels), (a.scores, b.scores)):
        assert torch.equal(one, two)
    assert all(np.array_equal(*pair) for pair in zip(a.regions.runs, b.regions.runs))


def test_what_is_not_longer_than_a_tile_comes_out_as_before():
    plain, tiling = predictor(), predictor()
    tiling = tiling.with_options(tile=64)
    assert_equal(tiling(photo(48, 64)), plain(photo(48, 64)))


def test_a_model_that_says_its_tile_tiles_by_itself():
    plain, own, off = predictor(), predictor({"tile": 64}), predictor({"tile": 64})
    off = off.with_options(tile="off")
    large, small = photo(150, 200), photo(60, 90)
    plain_large, plain_small = plain.predict([large, small])
    own_large, own_small = own.predict([large, small])
    assert_equal(own_small, plain_small)
    assert_equal(off(large), plain_large)
    assert len(own_large) > own.model.config.detection.max_detections >= len(plain_large)
    assert own_large.regions.spatial_shape == (150, 200)
    assert (own_large.boxes[:, 2] > 150).any() and (own_large.boxes[:, 3] > 100).any()
    by_hand = predict_tiles(plain.predict, large, 64, margin=2.0)
    assert_equal(own_large, by_hand)


def test_boxes_alone_are_tiled_too():
    boxes = predictor({"tile": 64}, mask_head=None)(photo(150, 200))
    assert len(boxes) > 20 and boxes.regions is None


def test_predict_tiles_and_caps_the_whole_image(maskrcnn, tiny_file, tmp_path):
    photos = [save_photo(tmp_path / "photos" / "large.png", 150, 200), save_photo(tmp_path / "photos" / "small.png")]

    def found(*arguments):
        outcome = maskrcnn("predict", *photos, "--model", tiny_file, "--out", tmp_path / "out", *arguments)
        assert outcome.code == 0, outcome
        results = json.loads((tmp_path / "out" / "predictions.json").read_text())
        return [[r for r in results if r["image_id"] == name] for name in ("large", "small")]

    (large, small), (tiled, small_too) = found(), found("--tile", 64, "--overlap", 0.3)
    assert small == small_too
    assert len(large) <= 20 < len(tiled)
    assert len(found("--tile", 64, "--max-detections", 30)[0]) == 30
    assert found("--tile", "off") == [large, small]


def test_evaluate_counts_all_that_tiles_find(maskrcnn, tiny_file, tmp_path):
    data = write_coco(tmp_path / "data", 1)
    save_photo(tmp_path / "data" / "images" / "0.png", 150, 200)
    content = json.loads(data.read_text())
    content["images"][0] |= {"height": 150, "width": 200}
    data.write_text(json.dumps(content))

    def cap(*arguments):
        command = ("evaluate", data, "--model", tiny_file, "--out", tmp_path / "out", "--bootstrap", 0)
        assert maskrcnn(*command, *arguments).code == 0
        return json.loads((tmp_path / "out" / "metrics.json").read_text())["max_detections"]

    assert cap() == 20
    assert cap("--tile", 64) > 20
    assert cap("--tile", 64, "--max-detections", 10) == 10


@pytest.mark.parametrize("flags", [("--tile", 8), ("--tile", "some"), ("--overlap", 0), ("--overlap", 1)])
def test_flags_that_make_no_sense_are_refused_in_a_sentence(refused, tiny_file, tmp_path, flags):
    photo = save_photo(tmp_path / "photos" / "a.png")
    assert "tile" in refused("predict", photo, "--model", tiny_file, "--out", tmp_path / "out", *flags).lower()


def test_tiles_may_differ_by_axis():
    slices = tile_slices((10, 70, 30), (8, 40, 40), 0.25)
    assert {tuple(s.stop - s.start for s in tile) for tile in slices} == {(8, 40, 30)}
    assert [s[1].start for s in slices[:2]] == [0, 30] and {s[0].start for s in slices} == {0, 2}
    tiling = Tiling(64, 0.25, 96.0)
    assert tiling.tile_shape((16, 96, 96), (0.25, 1.0, 1.0)) is None
    assert tiling.tile_shape((25, 20, 20), (0.25, 1.0, 1.0)) == (16, 64, 64)
    assert tiling.tile_shape((16, 97, 96), (0.25, 1.0, 1.0)) == (16, 64, 64)
