"""A checkpoint gives back the model that was saved, says what it is, and refuses whatever is not one in a sentence."""

import json
import pickle
from pathlib import Path

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file

from maskrcnn.checkpoints.ours import (
    FORMAT_VERSION,
    ModelInfo,
    load_checkpoint,
    load_matching,
    read_info,
    read_tensors,
    save_checkpoint,
)
from maskrcnn.errors import CheckpointError
from maskrcnn.structures import batch_images
from tiny import CLASSES, save_tiny_model, tiny_info, tiny_model


@pytest.fixture
def path(tmp_path):
    return save_tiny_model(tmp_path / "tiny.safetensors")


def detections(model):
    images = torch.randn(3, 64, 64, generator=torch.Generator().manual_seed(1))
    with torch.inference_mode():
        return model.eval()(batch_images([images]))[0]


def rewrite(path, change_header=lambda header: None, change_tensors=lambda tensors: None):
    """Change a checkpoint's json header or tensors in place."""
    with safe_open(str(path), "pt") as file:
        header = json.loads(file.metadata()["maskrcnn"])
    tensors = load_file(path)
    change_header(header)
    change_tensors(tensors)
    save_file(tensors, path, metadata={"maskrcnn": json.dumps(header)})


def assert_refused(path, reason, load=load_checkpoint):
    with pytest.raises(CheckpointError, match=reason) as caught:
        load(path)
    sentence = str(caught.value)
    assert str(path) in sentence
    assert sentence.endswith((".", "?")) and "\n" not in sentence and ". " not in sentence.replace(str(path), "")


def test_a_loaded_model_computes_the_same_to_the_last_bit(path):
    expected, found = detections(tiny_model()), detections(load_checkpoint(path)[0])
    assert len(expected) > 5
    for name in ("boxes", "labels", "scores", "mask_logits"):
        assert torch.equal(getattr(expected, name), getattr(found, name))


def test_a_model_without_masks_comes_back_without_masks(tmp_path):
    model, info = load_checkpoint(save_tiny_model(tmp_path / "boxes.safetensors", mask_head=None))
    assert info.config.mask_head is None
    assert detections(model).mask_logits is None


def test_half_precision_halves_the_file_and_is_loaded_as_float32(path, tmp_path):
    model, half = tiny_model(), tmp_path / "half.safetensors"
    save_checkpoint(half, model, tiny_info(model), half=True)
    assert half.stat().st_size < 0.55 * path.stat().st_size
    loaded = load_checkpoint(half)[0]
    for name, value in model.state_dict().items():
        assert loaded.state_dict()[name].dtype == value.dtype
        torch.testing.assert_close(loaded.state_dict()[name], value, rtol=1e-3, atol=1e-6)


def test_a_loaded_model_is_in_evaluation_mode(path):
    assert not any(module.training for module in load_checkpoint(path)[0].modules())


def test_the_file_says_what_the_model_is(tmp_path):
    model = tiny_model()
    info = ModelInfo(model.config, CLASSES, (7, 9), {"box/AP": 0.25}, {"data": "made up"})
    save_checkpoint(tmp_path / "m.safetensors", model, info)
    assert read_info(tmp_path / "m.safetensors") == info


def test_further_tensors_travel_along_and_leave_the_model_alone(tmp_path):
    model = tiny_model()
    save_checkpoint(tmp_path / "m.safetensors", model, tiny_info(model), {"training.step": torch.tensor(7)})
    assert read_tensors(tmp_path / "m.safetensors", "training.") == {"step": torch.tensor(7)}
    load_checkpoint(tmp_path / "m.safetensors")


def test_nothing_is_unpickled(path, monkeypatch):
    def refuse(*args, **kwargs):
        raise AssertionError("unpickled")

    for place, name in ((pickle, "load"), (pickle, "loads"), (pickle, "Unpickler"), (torch, "load")):
        monkeypatch.setattr(place, name, refuse)
    load_checkpoint(path)


class Trap:
    """Writes a file when it is unpickled."""

    def __init__(self, victim):
        self.victim = victim

    def __reduce__(self):
        return Path.touch, (self.victim,)


def test_a_pickled_checkpoint_is_refused_unopened(tmp_path):
    torch.save({"model": Trap(tmp_path / "victim")}, tmp_path / "model.pt")
    assert_refused(tmp_path / "model.pt", "no safetensors file")
    assert not (tmp_path / "victim").exists()


def test_a_missing_file_is_refused(tmp_path):
    assert_refused(tmp_path / "none.safetensors", "does not exist")


def test_a_folder_is_refused(tmp_path):
    assert_refused(tmp_path, "is a folder")


@pytest.mark.parametrize("content", [b"", b"hello, world\n" * 99, bytes(range(256)) * 9])
def test_a_file_that_is_no_safetensors_file_is_refused(tmp_path, content):
    (tmp_path / "text.safetensors").write_bytes(content)
    assert_refused(tmp_path / "text.safetensors", "no safetensors file")


@pytest.mark.parametrize("part", [0.001, 0.5, 0.999])
def test_a_truncated_file_is_refused(path, part):
    whole = path.read_bytes()
    path.write_bytes(whole[: int(part * len(whole))])
    assert_refused(path, "damaged")


def test_a_file_with_a_broken_header_is_refused(path):
    damaged = bytearray(path.read_bytes())
    damaged[8:40] = b"x" * 32
    path.write_bytes(damaged)
    assert_refused(path, "damaged")


def test_a_foreign_safetensors_file_is_refused(tmp_path):
    save_file({"weight": torch.ones(2)}, tmp_path / "foreign.safetensors", metadata={"format": "pt"})
    assert_refused(tmp_path / "foreign.safetensors", "not a model of maskrcnn")


def test_a_newer_format_is_refused(path):
    rewrite(path, lambda header: header.update(format_version=FORMAT_VERSION + 1))
    assert_refused(path, "newer version")
    assert_refused(path, "newer version", read_info)


def test_an_unknown_config_field_is_refused(path):
    rewrite(path, lambda header: header["config"]["box_head"].update(attention=True))
    assert_refused(path, "BoxHeadConfig has no field attention", read_info)


def test_an_absent_config_field_has_its_default(path):
    rewrite(path, lambda header: header["config"]["box_head"].pop("class_agnostic"))
    assert read_info(path).config.box_head.class_agnostic is False


@pytest.mark.parametrize("entry", ["format_version", "config", "class_names", "metrics"])
def test_an_incomplete_header_is_refused(path, entry):
    rewrite(path, lambda header: header.pop(entry))
    assert_refused(path, "header that cannot be read", read_info)


@pytest.mark.parametrize("value", [None, "tiny", 3, [1, 2]])
def test_a_config_that_is_none_is_refused(path, value):
    rewrite(path, lambda header: header.update(config=value))
    assert_refused(path, "header that cannot be read", read_info)


def test_a_body_that_nobody_knows_is_refused(path):
    rewrite(path, lambda header: header["config"]["backbone"].update(body="vgg16"))
    assert_refused(path, "vgg16")


def test_class_names_that_are_too_few_are_refused(path):
    rewrite(path, lambda header: header["class_names"].pop())
    assert_refused(path, "1 class names for 2 classes", read_info)


def test_a_missing_tensor_is_refused(path):
    rewrite(path, change_tensors=lambda tensors: tensors.pop("model.heads.box.fc1.weight"))
    assert_refused(path, r"1 tensors .*heads\.box\.fc1\.weight")


def test_a_tensor_of_another_shape_is_refused(path):
    rewrite(path, change_tensors=lambda tensors: tensors.update({"model.heads.box.fc1.bias": torch.zeros(3)}))
    assert_refused(path, r"1 tensors .*heads\.box\.fc1\.bias")


def test_a_tensor_too_many_is_refused(path):
    rewrite(path, change_tensors=lambda tensors: tensors.update({"model.extra": torch.zeros(3)}))
    assert_refused(path, r"1 tensors .*extra")


def test_what_fails_to_be_written_leaves_the_old_file_whole(path, monkeypatch):
    def fill_disk(tensors, file, metadata):
        Path(file).write_bytes(b"half a f")
        raise OSError("No space left on device")

    before = path.read_bytes()
    monkeypatch.setattr("maskrcnn.checkpoints.ours.save_file", fill_disk)
    with pytest.raises(OSError, match="No space"):
        save_checkpoint(path, tiny_model(), tiny_info(tiny_model()))
    assert path.read_bytes() == before
    assert list(path.parent.iterdir()) == [path]


def test_load_matching_copies_what_agrees_in_name_and_shape():
    layer = torch.nn.Linear(2, 3)
    copied, kept = load_matching(layer, {"weight": torch.ones(3, 2), "bias": torch.ones(4), "other": torch.ones(1)})
    assert (copied, kept) == (["weight"], ["bias"])
    assert torch.equal(layer.weight, torch.ones(3, 2))
