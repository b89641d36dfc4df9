"""What the shipped models say of themselves."""

import pytest

from maskrcnn.checkpoints.ours import read_info
from maskrcnn.inference.predictor import Predictor
from maskrcnn.pretrained import DEFAULT_MODEL, model_path, shipped_models

MOST_BYTES = 16 * 2**20


def info_of(name):
    if name not in shipped_models():
        pytest.skip(f"{name} is not shipped yet")
    return read_info(model_path(name))


@pytest.mark.parametrize("name", shipped_models())
def test_each_is_small_and_knows_its_origin_and_its_worth(name):
    info = info_of(name)
    assert model_path(name).stat().st_size < MOST_BYTES
    assert info.notes["licence"] == "Apache-2.0"
    assert info.notes["data"] and info.notes["starting_weights"]
    assert 0 < info.metrics["mask/AP"] < info.metrics["mask/AP50"] < 1
    card = model_path(name).with_suffix(".md").read_text(encoding="utf-8")
    measured = ("box/AP", "mask/AP", "box/AP50", "mask/AP50", "keypoints/AP")
    for key in (key for key in measured if key in info.metrics):
        assert f"{info.metrics[key]:.3f}" in card, f"the card of {name} does not say its {key}"


def test_the_default_is_shipped():
    assert not shipped_models() or DEFAULT_MODEL in shipped_models()


def test_people_have_the_keypoints_of_coco():
    info = info_of("people")
    assert len(info.keypoint_names) == info.config.keypoint_head.num_keypoints == 17
    assert len(info.skeleton) == 19 and info.metrics["keypoints/AP"] > 0


def test_everyday_knows_the_classes_of_coco():
    info = info_of("everyday")
    assert len(info.class_names) == 80 and {"person", "dog", "cup", "bicycle"} <= set(info.class_names)


def test_nuclei_come_in_any_number_and_images_of_any_size():
    info = info_of("nuclei")
    assert info.class_names == ("nucleus",) and info.config.detection.max_detections > 300
    predictor = Predictor.load(model_path("nuclei"))
    assert predictor.tiling is not None
    assert predictor.tiling.applies_to((4000, 4000)) and not predictor.tiling.applies_to((700, 700))
