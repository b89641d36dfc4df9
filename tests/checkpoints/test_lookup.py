"""A model by its name: files first, then what is shipped, then what torchvision publishes."""

import subprocess
import sys

import pytest

from maskrcnn.checkpoints.foreign.published import PUBLISHED
from maskrcnn.checkpoints.header import read_summary
from maskrcnn.checkpoints.lookup import check_model_name, find_model_file, load_model
from maskrcnn.checkpoints.ours import read_info
from maskrcnn.errors import CheckpointError, UsageError
from maskrcnn.files import CACHE
from maskrcnn.inference.predictor import Predictor
from maskrcnn.models.variants import VARIANTS
from maskrcnn.pretrained import model_path, shipped_models


@pytest.mark.parametrize("name", shipped_models())
def test_a_shipped_model_is_found_by_its_name(name):
    assert find_model_file(name) == model_path(name)


def test_a_path_is_a_model_as_text_and_as_a_path(tiny_file):
    assert find_model_file(tiny_file) == find_model_file(str(tiny_file)) == tiny_file


def test_a_file_of_that_name_comes_before_the_shipped_model(tmp_path, monkeypatch):
    (tmp_path / "people").write_text("mine")
    monkeypatch.chdir(tmp_path)
    assert find_model_file("people").read_text() == "mine"


def test_a_folder_of_that_name_does_not_hide_the_shipped_model(tmp_path, monkeypatch):
    (tmp_path / "people").mkdir()
    monkeypatch.chdir(tmp_path)
    assert find_model_file("people") == model_path("people")


def test_a_published_model_that_was_fetched_before_is_not_fetched_again(tmp_path, monkeypatch):
    monkeypatch.setenv(CACHE, str(tmp_path))
    kept = tmp_path / PUBLISHED["coco"].file.replace(".pth", ".safetensors")
    kept.write_text("converted")
    assert find_model_file("coco") == kept


@pytest.mark.parametrize(
    "name, said",
    [
        ("cats", "There is no model cats"),
        ("cats.safetensors", "There is no file cats.safetensors"),
        ("../pretrained/people", "There is no model ../pretrained/people"),
        ("", "There is no model"),
        ("x" * 5000, "There is no model"),
    ],
)
def test_what_is_no_model_is_one_sentence(name, said):
    for find in (find_model_file, check_model_name):
        with pytest.raises(UsageError, match=said):
            find(name)


def test_a_folder_is_no_model(tmp_path):
    with pytest.raises(UsageError, match="is a folder"):
        find_model_file(tmp_path)


def test_architectures_may_be_welcome_and_are_listed_then():
    check_model_name("resnet50_fpn", VARIANTS)
    with pytest.raises(UsageError, match="random weights .resnet50_fpn, resnet101_fpn"):
        check_model_name("cats", VARIANTS)
    with pytest.raises(UsageError, match="There is no model resnet50_fpn"):
        check_model_name("resnet50_fpn")


def test_a_predictor_is_loaded_by_a_shipped_name():
    assert "person" in Predictor.load("everyday").class_names


def test_a_model_of_ours_and_one_of_another_framework_are_loaded_alike(tiny_file):
    assert load_model(tiny_file)[1] == read_info(tiny_file)


@pytest.mark.parametrize("name", shipped_models())
def test_a_summary_is_what_the_header_says(name):
    summary, info = read_summary(model_path(name)), read_info(model_path(name))
    assert summary.class_names == info.class_names and summary.metrics == info.metrics
    assert summary.kind == info.notes.get("kind", "image")


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"version https://git-lfs.github.com/spec/v1\n",
        b"\xff" * 64,
        (2).to_bytes(8, "little") + b"{}",
        (20).to_bytes(8, "little") + b'{"__metadata__": {}}',
        (43).to_bytes(8, "little") + b'{"__metadata__": {"maskrcnn": "[[[[[[[["}}',
        (42).to_bytes(8, "little") + b'{"__metadata__": {"maskrcnn": "{}", "a":1}}',
        (4 * 10**6).to_bytes(8, "little") + b"[" * 4 * 10**6,
    ],
    ids=["empty", "pointer", "length", "none", "others", "cut", "fields", "deep"],
)
def test_a_damaged_file_has_no_summary(tmp_path, content):
    (tmp_path / "model.safetensors").write_bytes(content)
    with pytest.raises(CheckpointError, match=r"model\.safetensors is no model file"):
        read_summary(tmp_path / "model.safetensors")


def test_a_damaged_model_does_not_hide_the_others(maskrcnn, tmp_path, tiny_file, monkeypatch):
    monkeypatch.setattr("maskrcnn.pretrained.FOLDER", tmp_path)
    (tmp_path / "bad.safetensors").write_text("version https://git-lfs.github.com/spec/v1")
    (tmp_path / "good.safetensors").write_bytes(tiny_file.read_bytes())
    outcome = maskrcnn("models")
    assert outcome.code == 0 and "good: disc, brick; " in outcome.out
    assert f"bad: {tmp_path / 'bad.safetensors'} is no model file" in outcome.out


def test_finding_a_model_does_not_wait_for_torch():
    code = "import sys; from maskrcnn.checkpoints import lookup; lookup.find_model_file('people'); print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not {"torch", "numpy"} & set(done.stdout.split())
