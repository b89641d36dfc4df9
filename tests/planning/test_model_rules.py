"""Rules of the plan about the model, on fingerprints made by hand."""

import numpy as np
import pytest

from hand_made_plan import photos, situation
from maskrcnn.config import CloseUpMaskConfig, ModelConfig
from maskrcnn.planning.machine import Machine
from maskrcnn.planning.rules import model as model_rules
from naive_plan import slow_coverage


@pytest.mark.parametrize(
    ("data", "name"),
    [
        (photos(), "everyday"),
        (photos(class_names=("person",)), "people"),
        (photos(has_keypoints=True), "people"),
        (photos(size=0.04, objects=30, grey=1.0, class_names=("cell",)), "nuclei"),
        (photos(size=0.04, objects=30, grey=0.0, class_names=("car",)), "everyday"),
        (photos(size=0.3, objects=1, grey=1.0), "everyday"),
    ],
)
def test_the_starting_model_suits_the_pictures(data, name):
    choice = model_rules.model(situation(data))
    assert choice.value == name and choice.reason


def test_small_objects_are_met_by_a_larger_image():
    sizes = [model_rules.image_size(situation(photos(size=size))).value for size in (0.2, 0.025, 0.02, 0.001)]
    assert sizes == sorted(sizes) and sizes[0] == 416 < sizes[1] < sizes[2] < sizes[3]
    assert all(size % 32 == 0 for size in sizes)


def test_an_image_is_enlarged_twice_at_most_and_no_more_than_the_device_bears():
    tiny, huge = photos(size=0.001, side=160.0), photos(size=0.001, side=6000.0)
    assert model_rules.image_size(situation(tiny)).value == 320
    assert "twice the images' own 160" in model_rules.image_size(situation(tiny)).reason
    assert model_rules.image_size(situation(huge)).value == 800
    on_gpu = situation(huge, machine=Machine("cuda"))
    assert model_rules.image_size(on_gpu).value == 1280
    assert "this device" in model_rules.image_size(on_gpu).reason


def test_large_objects_are_not_cut_by_crops():
    large, usual = situation(photos(size=0.5)), situation(photos(size=0.15))
    assert model_rules.crop_size(large).value == 416
    assert model_rules.crop_size(usual).value < 416


def test_many_objects_raise_the_cap_and_the_proposals():
    few, many = situation(photos(objects=3)), situation(photos(objects=90, images=20))
    assert model_rules.max_detections(few).value == 100
    assert model_rules.max_detections(many).value == 180
    assert model_rules.proposals(few).value < model_rules.proposals(many).value


def test_anchors_stay_the_model_s_own_where_they_fit():
    choice = model_rules.smallest_anchor(situation(photos(size=0.2)))
    assert choice.value == 16 and "own" in choice.reason and "100%" in choice.reason


def test_small_objects_get_smaller_anchors():
    choice = model_rules.smallest_anchor(situation(photos(size=10 / 416)))
    assert choice.value < 16 and "against" in choice.reason


def test_long_objects_get_longer_anchors():
    data = photos(boxes=np.full((100, 2), [0.4, 0.08]))
    s = situation(data)
    assert model_rules.anchor_ratio(s).value > 2
    assert model_rules.anchor_ratio(situation(photos())).value == 2


def test_an_anchor_that_was_asked_for_is_not_searched_for():
    s = situation(photos(size=10 / 416), chosen={"smallest_anchor": 20})
    assert model_rules.smallest_anchor(s).value == 20


@pytest.mark.parametrize("smallest, ratio", [(4, 2.0), (16, 3.0), (32, 2.0)])
def test_coverage_is_that_of_the_slow_twin(smallest, ratio):
    boxes = np.random.default_rng(0).uniform(3, 300, (40, 2))
    assert model_rules.coverage(boxes, smallest, ratio) == pytest.approx(slow_coverage(boxes, smallest, ratio))


def test_one_mask_for_all_classes_keeps_what_a_model_of_one_class_knows():
    assert model_rules.agnostic_masks(situation()).value is True


def test_classes_that_the_model_knows_keep_their_own_masks():
    assert model_rules.agnostic_masks(situation(start_names=("cat", "dog"))).value is False


def test_classes_with_many_examples_get_masks_of_their_own():
    from maskrcnn.models.variants import mobilenet_v2_fpn_config

    s = {"start": mobilenet_v2_fpn_config(3), "start_names": ("a", "b", "c")}
    assert model_rules.agnostic_masks(situation(photos(objects=20), **s)).value is False
    assert model_rules.agnostic_masks(situation(photos(objects=1), **s)).value is True


def test_one_class_and_no_object_give_a_plan_too():
    empty = photos(objects=0, class_counts=(0,), class_names=("one",), boxes=np.zeros((0, 2)))
    for rule in model_rules.MODEL_RULES.values():
        assert rule(situation(empty)).reason


def test_close_ups_stay_where_the_starting_model_has_them_and_there_are_masks():
    start = ModelConfig(closeup_mask_head=CloseUpMaskConfig())
    assert model_rules.sharp(situation(photos(), start=start)).value == "auto"
    assert model_rules.sharp(situation(photos(has_masks=False), start=start)).value == "off"
    assert model_rules.sharp(situation(photos())).value == "off"
