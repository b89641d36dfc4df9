"""What the shipped models say of themselves."""

from pathlib import Path

import pytest

from maskrcnn.checkpoints.ours import read_info
from maskrcnn.inference.class_maps import with_parts
from maskrcnn.inference.predictor import Predictor
from maskrcnn.modalities.volumes.find import find_volumes
from maskrcnn.modalities.volumes.read import read_volume
from maskrcnn.pretrained import DEFAULT_MODEL, model_path, shipped_models

MOST_BYTES = {"people": 22 * 2**20, "everyday": 22 * 2**20}  # the two with a close-up for masks
MOST_BYTES_OF_OTHERS = 16 * 2**20
HIPPOCAMPUS = Path(__file__).parents[2] / "shared" / "data" / "hippocampus"


def info_of(name):
    if name not in shipped_models():
        pytest.skip(f"{name} is not shipped yet")
    return read_info(model_path(name))


@pytest.mark.parametrize("name", shipped_models())
def test_each_is_small_and_knows_its_origin_and_its_worth(name):
    info = info_of(name)
    assert model_path(name).stat().st_size < MOST_BYTES.get(name, MOST_BYTES_OF_OTHERS)
    assert info.notes["licence"] == "Apache-2.0"
    assert info.notes["data"] and info.notes["starting_weights"]
    if info.config.finds_objects:
        assert 0 < info.metrics["mask/AP"] < info.metrics["mask/AP50"] <= 1
    else:
        assert 0 < info.metrics["semantic/mIoU"] < 1
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


def test_hippocampus_says_what_it_learned_from_and_its_card_how_well():
    info = info_of("hippocampus")
    assert info.class_names == ("anterior", "posterior")
    assert (info.notes["kind"], info.notes["labels"]) == ("volume", "classes")
    card = model_path("hippocampus").with_suffix(".md").read_text(encoding="utf-8")
    for name in info.class_names:
        dice, error = (info.metrics[f"hippocampus/{name}/{what}"] for what in ("dice", "volume_error"))
        assert dice > 0.8 and f"{dice:.3f}" in card and f"{100 * error:.1f} %" in card


@pytest.mark.skipif(not HIPPOCAMPUS.is_dir(), reason="../shared/data/hippocampus is not there")
def test_hippocampus_finds_both_parts_in_nifti_and_in_dicom():
    info_of("hippocampus")
    predictor = Predictor.load(model_path("hippocampus"))
    scans = [sorted((HIPPOCAMPUS / "val" / "images").iterdir())[0], *find_volumes(HIPPOCAMPUS / "dicom")]
    for path in scans:
        volume = read_volume(path)
        found = with_parts(predictor(volume.samples, volume.spacing), predictor.info, volume.samples.shape[1:])
        assert set(found.labels.tolist()) == {1, 2}
        middle = {int(k): box.reshape(2, 3).mean(0) for k, box in zip(found.labels.flip(0), found.boxes.flip(0))}
        assert middle[1][1] > middle[2][1]  # the front is in front
