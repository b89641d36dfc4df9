"""Numbers of classes and devices, windows and models, as people who come from other programs type them."""

import pytest

from tiny import save_photo, save_tiny_model


@pytest.fixture
def photo(tmp_path):
    return save_photo(tmp_path / "photo.png")


def test_a_class_by_its_number_is_answered_with_its_name(refused, photo, tmp_path):
    model = save_tiny_model(tmp_path / "model.safetensors")
    asked = ("predict", photo, "--model", model, "--out", tmp_path / "out", "--classes")
    assert "named, not numbered; number 0, counted from 0, is disc. The model knows disc, brick." in refused(*asked, 0)
    assert "named, not numbered. The model knows disc, brick." in refused(*asked, 7)


def test_classes_that_are_called_by_numbers_are_named_so(maskrcnn, photo, tmp_path):
    model = save_tiny_model(tmp_path / "model.safetensors", ("0", "1"))
    assert maskrcnn("predict", photo, "--model", model, "--out", tmp_path / "out", "--classes", 0).code == 0


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        (("--device", "0"), "say cuda:0"),
        (("--device", "1,2"), "say cuda:1"),
        (("--show",), "no window is opened: the pictures are files in the folder that --out names."),
        (("show=True",), "no window is opened"),
        (("--model", "yolov8n-seg.pt"), "models of ultralytics are not read: name a shipped one (ecg, everyday,"),
        (("--model", "weights/yolo11n-seg.pt"), "in --model everyday."),
        (("--model", "samples.pt"), "There is no file samples.pt; `maskrcnn models` lists"),
    ],
)
def test_a_habit_gets_one_sentence(refused, photo, tmp_path, flags, said):
    assert said in refused("predict", photo, "--out", tmp_path / "out", *flags)
