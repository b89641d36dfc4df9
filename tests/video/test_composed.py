import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import naive
from maskrcnn.video.composed.cutouts import RIM, Cutout, cut_out, paste, resized, typical_height
from maskrcnn.video.composed.scene import Layer, Material, Scene, make_scene
from video.made_sequences import COLOURS, moving

FRAMES = 30


def material(name, seed, frames=FRAMES, **how):
    return Material.of(name, *moving(frames, seed, **how))


@given(st.integers(1, 3), st.integers(0, 10**6))
def test_pasting_agrees_with_its_twin(ndim, seed):
    rng = np.random.default_rng(seed)
    shape, window = rng.integers(1, 7, (2, ndim))
    image, numbers = rng.integers(0, 256, (*shape, 3), dtype=np.uint8), rng.integers(0, 3, shape)
    colours, cover = rng.integers(0, 256, (*window, 3), dtype=np.uint8), rng.integers(0, 5, window) / 4
    corner, centre = rng.integers(-4, 7, ndim), rng.integers(0, 5, ndim)
    cutout = Cutout(colours, cover.astype(np.float32), centre.astype(float), np.zeros(ndim))
    expected = naive.pasted(image, numbers, colours, cover, corner, 9)
    paste(image, numbers, cutout, corner + centre, 9)
    assert (image == expected[0]).all() and (numbers == expected[1]).all()


@given(st.integers(1, 3), st.integers(0, 10**6))
def test_what_is_cut_out_and_pasted_back_changes_nothing(ndim, seed):
    rng = np.random.default_rng(seed)
    shape = rng.integers(1, 9, ndim)
    image, mask = rng.integers(0, 256, (*shape, 3), dtype=np.uint8), rng.random(shape) < 0.3
    cutout = cut_out(image, mask)
    if not mask.any():
        assert cutout is None
        return
    again, numbers = image.copy(), np.zeros(shape, np.int64)
    paste(again, numbers, cutout, cutout.at, 5)
    assert (again == image).all() and ((numbers == 5) == mask).all()


def test_a_mirrored_cutout_is_the_mirror_image():
    images, masks = moving(1, 0)
    cutout = cut_out(images[0], masks[0])
    other = resized(cutout, 1.0, True)
    assert (other.cover == cutout.cover[:, ::-1]).all() and (other.colours == cutout.colours[:, ::-1]).all()
    assert other.centre == pytest.approx([cutout.centre[0], cutout.cover.shape[1] - cutout.centre[1]])


@pytest.mark.parametrize("scale", [0.5, 2.0, 3.3])
def test_a_resized_cutout_keeps_its_centre_of_mass_and_grows_by_the_square(scale):
    images, masks = moving(1, 0)
    cutout = cut_out(images[0], masks[0])
    other = resized(cutout, scale, False)
    assert other.cover.sum() == pytest.approx(scale**2 * cutout.cover.sum(), rel=0.08)
    weights = other.cover / other.cover.sum()
    found = [(weights.sum(1 - axis) * (np.arange(n) + 0.5)).sum() for axis, n in enumerate(other.cover.shape)]
    assert found == pytest.approx(list(other.centre), abs=0.6)
    assert typical_height([cutout, None]) == cutout.cover.shape[0] - 2 * RIM


def crossing(depth):
    """Another object lies over the sequence's own in all frames, nearer where ``depth`` is below 0."""
    base, other = material("a", 0, speed=(0, 0)), material("b", 1, speed=(0, 0))
    at = base.objects[0].at
    layer = Layer(other, np.zeros(FRAMES, np.int64), 1.0, False, np.tile(at, (FRAMES, 1)), depth)
    window = np.tile([0, 0, 48, 64], (FRAMES, 1))
    return Scene(base, FRAMES, [layer], window)


@pytest.mark.parametrize(("depth", "seen", "hidden"), [(-1.0, 2, 1), (1.0, 1, 2)])
def test_what_lies_nearer_hides_what_lies_behind(depth, seen, hidden):
    scene = crossing(depth)
    assert scene.sources == ["a", "b"]
    for image, numbers in scene.frames():
        assert (numbers == seen).sum() == 144 and (numbers == hidden).sum() == 0
        assert (image[numbers == seen] == COLOURS[seen - 1]).all()


def test_frames_follow_from_the_scene_and_numbers_are_where_the_colours_are():
    others = {"b": material("b", 1), "c": material("c", 2)}
    scene = make_scene(material("a", 0), others, FRAMES, np.random.default_rng(3))
    again = make_scene(material("a", 0), others, FRAMES, np.random.default_rng(3))
    assert scene.sources == again.sources and len(scene.sources) > 1
    met = False
    for (image, numbers), (image2, numbers2) in zip(scene.frames(), again.frames(), strict=True):
        assert (image == image2).all() and (numbers == numbers2).all()
        assert image.shape[:2] == numbers.shape and image.shape[0] % 2 == image.shape[1] % 2 == 0
        for number, source in enumerate(scene.sources, 1):
            own = image[numbers == number].astype(int)
            met |= number > 1 and len(own) > 20
            colour = COLOURS["abc".index(source)]
            if len(own) > 20:
                assert np.abs(np.median(own, 0) - colour).max() < 25
    assert met


def test_objects_of_most_scenes_pass_each_other():
    """Else composed sequences would measure nothing."""
    others = {"b": material("b", 1), "c": material("c", 2)}
    passed = 0
    for seed in range(10):
        scene = make_scene(material("a", 0), others, FRAMES, np.random.default_rng(seed))
        frames = [numbers for _, numbers in scene.frames()]
        areas = np.array([[(numbers == n).sum() for n in range(1, len(scene.sources) + 1)] for numbers in frames])
        passed += bool((areas.min(0) < 0.5 * np.median(areas, 0)).any())
    assert passed >= 7
