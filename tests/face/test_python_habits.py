"""What people who come from other libraries ask of a model and of what it found, and what they are told."""

import copy
import pickle

import pytest

import maskrcnn
from maskrcnn import UsageError, load
from maskrcnn.face.habits import OF_A_MODEL, OF_WHAT_IS_FOUND, OPTIONS
from maskrcnn.face.model import OPTIONS as OURS
from tiny import save_photo, save_tiny_model


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("habits")
    save_tiny_model(folder / "tiny.safetensors")
    save_photo(folder / "photo.png")
    return folder


@pytest.fixture(scope="module")
def model(folder):
    return load(folder / "tiny.safetensors")


@pytest.fixture(scope="module")
def found(folder, model):
    return model(folder / "photo.png")


def test_a_model_says_what_is_written_instead(model):
    for name, said in {
        "predict": r'Model has no predict: call the model: model\("photo.jpg", score=0.3\)\.',
        "train": r"write maskrcnn.train\(",
        "val": r"write maskrcnn.evaluate\(model,",
        "names": "it is class_names",
        "surprise": r"Model has no surprise\.$",
    }.items():
        with pytest.raises(AttributeError, match=said):
            getattr(model, name)


def test_what_was_found_says_what_is_written_instead(found):
    for name, said in {
        "plot": r"Found has no plot: write found.draw\(\)",
        "xyxy": r"boxes are found.boxes, an array \[N, 4\]",
        "conf": "scores are found.scores",
        "surprise": r"Found has no surprise\.$",
    }.items():
        with pytest.raises(AttributeError, match=said):
            getattr(found, name)


def test_what_is_there_is_not_said_to_be_missing(model, found):
    for owner, names in ((model, OF_A_MODEL), (found, OF_WHAT_IS_FOUND)):
        assert not any(hasattr(owner, name) for name in names)
    assert all(meant in OURS or " " in meant for meant in OPTIONS.values())
    assert not set(OPTIONS) & set(OURS)


def test_it_is_copied_and_pickled_as_before(found):
    assert len(copy.deepcopy(found)) == len(pickle.loads(pickle.dumps(found))) == len(found)  # noqa: S301 - our own


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"conf": 0.3}, "There is no option conf: did you mean score?"),
        ({"save": True}, r'There is no option save: write found.save\("out.png"\)\.'),
        ({"stream": True}, "gives an iterator by itself"),
        ({"classes": [0]}, "named, not numbered; number 0, counted from 0, is disc"),
        ({"classes": 1}, "number 1, counted from 0, is brick"),
    ],
)
def test_options_of_others_get_a_sentence(model, folder, options, said):
    with pytest.raises(UsageError, match=said):
        model(folder / "photo.png", **options)


def test_devices_of_others(folder):
    path = folder / "tiny.safetensors"
    assert str(load(path, device="cpu").predictor.device) == "cpu"
    with pytest.raises(UsageError, match=r"^device must be one of cpu, cuda, mps, not tpu\."):
        load(path, device="tpu")
    with pytest.raises(UsageError, match=r"^device cuda:77 cannot be used on this machine"):
        load(path, device=77)


@pytest.mark.parametrize(
    ("settings", "said"),
    [({"data": "coco8.yaml"}, "name the files first"), ({"imgsz": 640}, "mean image_size"), ({"lr0": 1}, "mean lr?")],
)
def test_settings_of_a_training(settings, said):
    with pytest.raises(UsageError, match=said):
        maskrcnn.train(**settings)
