"""Rules of the plan for models that tell the class of every sample, on fingerprints made by hand."""

import pytest

from hand_made_plan import photos, situation
from maskrcnn.planning.machine import Machine
from maskrcnn.planning.make_plan import Request, make_plan
from maskrcnn.planning.rules import semantic as rules

NAMES = ("road", "car", "pole")


def streets(side=480.0, images=500, samples=(0, 8000, 1900, 100, 50)):
    """Pictures of which every pixel has a class."""
    changes = {"class_names": NAMES, "class_counts": (0, 0, 0), "task": "semantic", "samples": samples}
    return photos(objects=0, images=images, side=side, **changes)


@pytest.mark.parametrize("name", rules.PICTURE_RULES)
@pytest.mark.parametrize("data", [streets(), streets(images=1), streets(side=4000.0)])
def test_every_rule_has_a_reason(name, data):
    assert rules.PICTURE_RULES[name](situation(data)).reason


def test_small_images_are_told_at_their_own_size_and_large_ones_as_far_as_the_machine_goes():
    sizes = [rules.image_size(situation(streets(side=side))).value for side in (480.0, 2048.0)]
    assert sizes == [480, rules.LARGEST_ON_CPU]
    assert rules.image_size(situation(streets(side=2048.0), machine=Machine("cuda"))).value == rules.LARGEST_ON_GPU


def test_a_crop_is_filled_at_the_smallest_scale_of_an_image_of_four_to_three():
    """Padding costs time and teaches nothing."""
    s = situation(streets(), chosen={"image_size": 480})
    crop, (low, _) = rules.crop_size(s).value, rules.scale(s).value
    assert low * 480 >= crop and low * 360 >= 0.75 * crop


def test_what_is_what_is_not_pasted_elsewhere():
    assert rules.copy_paste(situation(streets())).value == 0


def test_a_rare_class_is_named_in_the_reason():
    choice = rules.class_weights(situation(streets()))
    assert choice.value == "frequency" and "pole is 1.0% of the labelled samples" in choice.reason
    assert rules.class_weights(situation(streets(samples=(0, 5, 3, 2, 0)))).value == "none"


def test_the_plan_of_class_maps_has_nothing_of_boxes():
    made = make_plan(streets(), Machine(), Request(), lambda fraction: (425, 75))
    assert made["task"] == "semantic" and made["finer"] > 0
    assert not set(rules.OBJECT_RULES) & set(made.choices)
