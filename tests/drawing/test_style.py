"""How found objects are drawn: colours of classes, a legend, and what is left out."""

import numpy as np
import torch
from hypothesis import given
from hypothesis import strategies as st

from maskrcnn.drawing.colours import PALETTE
from maskrcnn.drawing.style import MANY, DrawStyle, class_colours, draw_found
from maskrcnn.structures import Instances
from tiny import noise, save_photo

NAMES = ("disc", "brick", "cone")


def objects(*labels):
    corners = [(4.0 + 9 * (k % 5), 4.0 + 9 * (k // 5)) for k in range(len(labels))]
    boxes = torch.tensor([[x, y, x + 10, y + 10] for x, y in corners]).reshape(-1, 4)
    return Instances(boxes, torch.tensor(labels, dtype=torch.int64), torch.full((len(labels),), 0.9))


def drawn(found, **style):
    return np.asarray(draw_found(noise(60, 80) // 4, found, NAMES, DrawStyle(**style)))


@given(st.lists(st.integers(1, 200), unique=True, max_size=40))
def test_classes_have_colours_of_their_own_and_the_same_in_every_picture(labels):
    colours = class_colours(sorted(labels))
    assert set(colours) == set(labels)
    if len(labels) <= len(PALETTE):
        assert len(set(colours.values())) == len(labels)
    if labels:  # the first has what it has alone
        first = min(labels)
        assert colours[first] == class_colours([first])[first]


def test_a_legend_lies_below_and_the_image_stays_where_it_was():
    found = objects(1, 2, 1)
    plain, legend = drawn(found, colour="object"), drawn(found, colour="class")
    assert legend.shape[0] > plain.shape[0] and legend.shape[1] == plain.shape[1]
    strip = legend[plain.shape[0] :].reshape(-1, 3).tolist()
    near = {colour: min(np.abs(np.array(strip) - colour).sum(axis=1)) for colour in class_colours([1, 2]).values()}
    assert max(near.values()) < 40  # chips are not quite opaque
    assert drawn(objects(), colour="class").shape == drawn(objects(), colour="object").shape


def test_many_objects_of_several_classes_are_coloured_by_class():
    few, many = objects(*[1, 2] * (MANY // 2)), objects(*[1, 2] * (MANY // 2 + 1))
    assert (drawn(few) == drawn(few, colour="object")).all()
    assert (drawn(many) == drawn(many, colour="class")).all()
    alike = objects(*[1] * (MANY + 5))
    assert (drawn(alike) == drawn(alike, colour="object")).all()


def test_labels_can_be_left_out_and_lines_be_wider():
    found = objects(1)
    assert (drawn(found) != drawn(found, labels=False)).any()
    assert (drawn(found, labels=False, line_width=9) != drawn(found, labels=False)).any()


def test_a_picture_is_as_many_times_larger_as_is_asked():
    assert drawn(objects(1), scale=1).shape == (60, 80, 3)
    assert drawn(objects(1), scale=3).shape == (180, 240, 3)


def test_the_command_line_draws_so(maskrcnn, tiny_file, tmp_path):
    photo = save_photo(tmp_path / "in" / "a.png")
    asked = ("predict", photo, "--model", tiny_file, "--out", tmp_path / "out")
    pictures = []
    for flags in ((), ("--no-boxes",), ("--no-labels",), ("--line-width", 5), ("--scale", 1)):
        assert maskrcnn(*asked, *flags).code == 0
        pictures.append((tmp_path / "out" / "a.png").read_bytes())
    assert len(set(pictures)) == len(pictures)


def test_a_flag_of_pictures_is_refused_out_of_range(refused, tiny_file, tmp_path):
    photo = save_photo(tmp_path / "in" / "a.png")
    for flag, value in (("--scale", 0), ("--line-width", 0)):
        assert flag in refused("predict", photo, "--model", tiny_file, "--out", tmp_path / "out", flag, value)
