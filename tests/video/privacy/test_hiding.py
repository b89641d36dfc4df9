"""What is blurred cannot be told any more, what is not stays to the bit; a background of one colour, and cover."""

from __future__ import annotations

import numpy as np
import pytest

from made_tracks import disc, frames_of, straight
from maskrcnn.errors import UsageError
from maskrcnn.video.privacy.background import GREEN, cover, on_colour
from maskrcnn.video.privacy.blur import Blur

PLACE = (60.0, 60.0)


def detail(image, box):
    """How much neighbours differ inside a box."""
    x1, y1, x2, y2 = box
    part = image[y1:y2, x1:x2].astype(int)
    return np.abs(np.diff(part, axis=1)).mean()


def covered(place):
    return disc(np.array([place[0] - 12, place[1] - 8, place[0] + 12, place[1] + 8]))


@pytest.mark.parametrize("with_masks", [True, False])
def test_objects_of_the_class_are_hidden_and_all_else_stays(with_masks):
    (frame,) = frames_of({1: [PLACE], 2: [(120.0, 60.0)]}, labels={1: 1, 2: 2})
    if not with_masks:
        frame.objects.regions = None
    hidden = Blur(["person"], ["person", "dog"])(frame)
    assert detail(hidden.image, (52, 54, 68, 66)) < 0.1 * detail(frame.image, (52, 54, 68, 66))
    changed = (hidden.image != frame.image).any(2)
    assert not changed[:, 80:].any() and not changed[:45].any() and not changed[75:].any()
    if with_masks:
        assert changed[covered(PLACE)].mean() > 0.97
        assert not changed[50, 46]  # a corner of the box
    assert frame.image[60, 60].tolist() == list(frames_of({1: [PLACE]}))[0].image[60, 60].tolist()


def test_what_is_not_confirmed_is_hidden_too():
    (frame,) = frames_of({1: [PLACE]}, confirmed={1: 10**6})
    assert (Blur(["person"], ["person"])(frame).image != frame.image).any()


def test_what_was_lost_stays_hidden_for_a_second_where_it_was():
    blur = Blur(["person"], ["person"])
    frames = [blur(frame) for frame in frames_of({1: [PLACE, *[None] * 15], 2: [(130.0, 20.0)] * 16}, labels={2: 1})]
    kept = [detail(frame.image, (52, 54, 68, 66)) < 30 for frame in frames]
    assert kept == [True] * 11 + [False] * 5


def test_an_object_that_is_taken_for_something_else_for_a_while_stays_hidden():
    blur = Blur(["person"], ["person", "dog"])
    first, second = frames_of({1: straight(PLACE, (62, 60), 2)})
    blur(first)
    second.objects.labels[:] = 2
    assert (blur(second).image != second.image).any()


def test_a_class_that_the_model_does_not_know_is_said():
    with pytest.raises(UsageError, match="--blur people: the model knows person, dog only"):
        Blur(["people"], ["person", "dog"])


def test_objects_keep_their_pixels_before_a_background_of_one_colour():
    (frame,) = frames_of({1: [PLACE]})
    shown = on_colour(frame.image, cover(frame), GREEN)
    inside, outside = np.zeros((120, 160), bool), covered(PLACE)
    inside[57:64, 55:66] = True
    np.testing.assert_array_equal(shown[inside], frame.image[inside])
    far = ~np.isin(cover(frame), range(1, 256))
    assert not (far & outside).any()
    assert (shown[far] == GREEN).all() and far.mean() > 0.9


def test_cover_of_boxes_where_there_are_no_masks_and_of_nothing():
    (frame,) = frames_of({1: [PLACE]})
    frame.objects.regions = None
    assert (cover(frame)[56:65, 52:69] == 255).all()
    _, empty = frames_of({1: [PLACE, None]})
    assert not cover(empty).any()
