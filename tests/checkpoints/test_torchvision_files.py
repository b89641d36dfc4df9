"""torchvision's files as a user has them: told apart, converted, refused in one sentence, and saved as ours to the bit.

The smallest of its models stands for all where a whole file is needed; that each finds what torchvision finds is in
tests/golden.
"""

import dataclasses
import hashlib
import shutil

import pytest
import torch
from torchvision_state import shapes, state_dict

from maskrcnn.checkpoints.foreign.load import load_foreign
from maskrcnn.checkpoints.foreign.name_mapping import rename
from maskrcnn.checkpoints.foreign.published import MIRROR, PUBLISHED, Published
from maskrcnn.checkpoints.foreign.torchvision import CATEGORY_IDS, config_of, convert_torchvision, kind_of, table_of
from maskrcnn.checkpoints.ours import load_checkpoint, save_checkpoint
from maskrcnn.checkpoints.transfer import same_weights
from maskrcnn.errors import CheckpointError, UsageError
from maskrcnn.files import CACHE
from maskrcnn.models.heads.box import with_background
from maskrcnn.structures import ImageBatch
from tiny import save_photo

KINDS = {
    "faster": "fasterrcnn_resnet50_fpn",
    "faster_v2": "fasterrcnn_resnet50_fpn_v2",
    "mask_v2": "maskrcnn_resnet50_fpn_v2",
    "mask_101": "maskrcnn_resnet101_fpn",
    "keypoint": "keypointrcnn_resnet50_fpn",
    "mobile": "fasterrcnn_mobilenet_v3_large_fpn",
}


@pytest.fixture(scope="module")
def mobile(tmp_path_factory):
    """A file of the smallest model."""
    path = tmp_path_factory.mktemp("torchvision") / "mobile_320.pth"
    torch.save(state_dict("mobile_320"), path)
    return path


@pytest.fixture(scope="module")
def converted(mobile):
    return load_foreign(mobile)


def meta_tensors(variant):
    return {name: torch.empty(shape, device="meta") for name, shape in shapes()[variant].items()}


@pytest.mark.parametrize("variant, name", KINDS.items())
def test_a_model_is_told_by_its_tensors(variant, name):
    assert kind_of(meta_tensors(variant)).name == name


def test_the_settings_of_mobilenet_at_320_px_are_told_by_the_files_name():
    large, small = (config_of(kind_of(meta_tensors("mobile"), name)) for name in ("a.pth", "a_320_b.pth"))
    assert (large.preprocess.min_size, large.selection.pre_nms) == (800, 1000)
    assert (small.preprocess.min_size, small.preprocess.max_size, small.selection.pre_nms) == (320, 640, 150)


def test_coco_has_80_classes_and_their_scores_are_those_of_91_slots():
    """Scores of the 80 are to the last digits as if the ten empty slots were classes, too."""
    kind = kind_of(meta_tensors("faster"))
    logits = torch.randn(50, 91, dtype=torch.float64, generator=torch.Generator().manual_seed(0)) * 4
    order = table_of(kind).transforms["heads.box.class_logits.bias"]
    ours = with_background(order(logits.T).T, config_of(kind).box_head.unused)
    assert ours.shape == (50, 81)
    torch.testing.assert_close(ours.softmax(1)[:, 1:], logits.softmax(1)[:, list(CATEGORY_IDS)])


def test_box_and_mask_rows_are_those_of_the_80_classes():
    kind = kind_of(meta_tensors("mask_v2"))
    rows = {"roi_heads.box_predictor.bbox_pred.bias": 4, "roi_heads.mask_predictor.mask_fcn_logits.bias": 1}
    tensors = {name: torch.arange(91.0).repeat_interleave(count) for name, count in rows.items()}
    renamed = rename(tensors, table_of(kind)).tensors
    assert renamed["heads.mask.logits.bias"].tolist() == list(CATEGORY_IDS)
    assert renamed["heads.box.box_deltas.bias"][::4].tolist() == list(CATEGORY_IDS)


def test_a_converted_model_knows_its_classes_and_settings(converted):
    _, info, report = converted
    assert (len(info.class_names), info.class_names[11], info.category_ids[11]) == (80, "stop sign", 13)
    assert info.config.backbone.body == "mobilenet_v3_large" and info.config.preprocess.min_size == 320
    assert report.source == "torchvision's fasterrcnn_mobilenet_v3_large_320_fpn"
    assert [s.stage for s in report.stages] == ["body", "FPN", "RPN", "box head"]
    assert sum(s.tensors for s in report.stages) == len(shapes()["mobile_320"])


def test_saved_as_ours_and_loaded_it_finds_the_same_to_the_bit(converted, tmp_path):
    model, info, _ = converted
    save_checkpoint(tmp_path / "ours.safetensors", model, info)
    again, again_info = load_checkpoint(tmp_path / "ours.safetensors")
    assert again_info == info and same_weights(model, again)
    images = ImageBatch(torch.randn(1, 3, 128, 160, generator=torch.Generator().manual_seed(1)), [(128, 160)])
    with torch.inference_mode():
        for network in (model, again):  # random weights are sure of nothing
            loose = dataclasses.replace(network.config.detection, score_threshold=0.0)
            network.config = dataclasses.replace(network.config, detection=loose)
        (first,), (second,) = model(images), again(images)
    assert len(first) == 100
    assert torch.equal(first.boxes, second.boxes) and torch.equal(first.scores, second.scores)


def test_a_state_dict_may_lie_under_a_name_and_come_from_several_devices(mobile, tmp_path, converted):
    state = {f"module.{name}": value for name, value in torch_load(mobile).items()}
    torch.save({"epoch": 3, "model": state}, tmp_path / "320_train.pth", _use_new_zipfile_serialization=False)
    assert same_weights(load_foreign(tmp_path / "320_train.pth")[0], converted[0])


def torch_load(path):
    return torch.load(path, weights_only=True)


def test_classes_may_be_named(mobile):
    names = [f"kind {k}" for k in range(90)]
    model, info, _ = load_foreign(mobile, names)
    assert info.class_names == tuple(names) and info.category_ids == ()
    assert model.config.box_head.unused == 0
    with pytest.raises(UsageError, match="has 90 classes, but 2 names"):
        load_foreign(mobile, ["a", "b"])


@pytest.mark.parametrize("eps, said", [(None, "1e-5 was taken"), (0.0, None)])
def test_frozen_norms_without_an_epsilon_are_noted(eps, said):
    state = state_dict("mask_101")
    _, info, report = convert_torchvision(state, "mine.pth", norm_eps=eps)
    assert info.config.backbone.norm_eps == (1e-5 if eps is None else eps)
    assert info.class_names == ("class1", "class2", "class3")
    assert (said is None and not report.notes) or said in report.notes[0]


def test_a_published_file_has_the_epsilon_that_torchvision_gives_it(mobile, monkeypatch):
    digits = hashlib.sha256(mobile.read_bytes()).hexdigest()[:8]
    monkeypatch.setitem(PUBLISHED, "coco", Published(f"any-{digits}.pth", "things", 1, 0.0))
    model, info, _ = load_foreign(mobile)
    assert info.config.backbone.norm_eps == 0.0 and model.backbone.body.stem.norm.eps == 0.0
    assert info.notes["file"] == f"any-{digits}.pth"


def damage_cut(path):
    path.write_bytes(path.read_bytes()[:1_000_000])


def damage_text(path):
    path.write_text("<html>404</html>\n")


def damage_empty(path):
    path.write_bytes(b"")


def damage_missing(path):
    state = torch_load(path)
    del state["rpn.head.cls_logits.weight"]
    torch.save(state, path)


def damage_other(path):
    torch.save({"conv1.weight": torch.zeros(1), "fc.bias": torch.zeros(1)}, path)


def damage_part(path):
    """The first tensors of a file."""
    torch.save(dict(list(torch_load(path).items())[:100]), path)


SENTENCES = {
    damage_cut: "damaged or truncated",
    damage_text: "no model file",
    damage_empty: "is empty",
    damage_missing: "1 of its tensors is missing (rpn.head.cls_logits.weight)",
    damage_other: "begins with conv1.weight, fc.bias",
    damage_part: "",
}


@pytest.mark.parametrize("damage, said", SENTENCES.items())
def test_a_wrong_or_truncated_file_is_refused_in_one_sentence(refused, mobile, tmp_path, damage, said):
    path = tmp_path / "copy_320.pth"
    shutil.copy(mobile, path)
    damage(path)
    sentence = refused("import", path, "--out", tmp_path / "ours.safetensors")
    assert str(path) in sentence and said in sentence
    assert not (tmp_path / "ours.safetensors").exists()


def test_what_can_run_code_is_refused(refused, tmp_path):
    class Trap:
        def __reduce__(self):
            return (print, ("taken over",))

    torch.save({"rpn.head.x": Trap()}, tmp_path / "trap.pth")
    assert "print, which is more than numbers and names" in refused("import", tmp_path / "trap.pth")


def test_import_says_what_went_where_and_the_result_predicts(maskrcnn, mobile, tmp_path):
    out = tmp_path / "ours.safetensors"
    outcome = maskrcnn("import", mobile, "--out", out)
    lines = outcome.out.splitlines()
    assert outcome.code == 0
    assert lines[0] == (
        f"{mobile} is torchvision's fasterrcnn_mobilenet_v3_large_320_fpn: person, bicycle, car and 77 more."
    )
    assert [line.split()[0] for line in lines[1:-1]] == ["body", "FPN", "RPN", "box"]
    assert lines[-1] == f"Written to {out}; use it with --model {out}"
    photo = save_photo(tmp_path / "photo.png")
    for model in (out, mobile):  # the file itself is a model as well
        assert maskrcnn("predict", photo, "--model", model, "--out", tmp_path / model.stem).code == 0
    results = [(tmp_path / model.stem / "predictions.json").read_text() for model in (out, mobile)]
    assert results[0] == results[1]


def test_an_imported_model_can_be_trained_on(mobile):
    from maskrcnn.checkpoints.lookup import model_info

    assert model_info(str(mobile)).config.num_classes == 80


@pytest.mark.parametrize(
    "flags, said", [(["--out", "a.pth"], "must end in .safetensors"), (["--norm-eps", "2"], "--norm-eps must be")]
)
def test_flags_that_make_no_sense_are_refused(refused, mobile, flags, said):
    assert said in refused("import", mobile, *flags)


def test_a_published_model_is_fetched_converted_and_kept(maskrcnn, mobile, tmp_path, monkeypatch):
    """From a folder in place of the server, under the name ``coco-mobile-320``."""
    digits = hashlib.sha256(mobile.read_bytes()).hexdigest()[:8]
    published = Published(f"mobile_320-{digits}.pth", "boxes", 74)
    (tmp_path / "server").mkdir()
    shutil.copy(mobile, tmp_path / "server" / published.file)
    monkeypatch.setitem(PUBLISHED, "coco-mobile-320", published)
    monkeypatch.setenv(MIRROR, (tmp_path / "server").as_uri())
    monkeypatch.setenv(CACHE, str(tmp_path / "cache"))
    photo = save_photo(tmp_path / "photo.png")
    first = maskrcnn("predict", photo, "--model", "coco-mobile-320", "--out", tmp_path / "out")
    assert first.code == 0 and first.err.startswith(f"Fetching {published.file} (74 MB), once")
    kept = f"mobile_320-{digits}.safetensors"
    assert [path.name for path in (tmp_path / "cache").iterdir()] == [kept]
    shutil.rmtree(tmp_path / "server")
    again = maskrcnn("predict", photo, "--model", "coco-mobile-320", "--out", tmp_path / "out")
    assert (again.code, again.err, again.out) == (0, "", first.out)


def test_without_a_network_a_published_name_is_one_sentence(maskrcnn, tmp_path, monkeypatch):
    monkeypatch.setenv(MIRROR, "http://127.0.0.1:9")
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    monkeypatch.setenv(CACHE, str(tmp_path / "cache"))
    outcome = maskrcnn("predict", save_photo(tmp_path / "photo.png"), "--model", "coco", "--out", tmp_path / "out")
    assert (outcome.code, outcome.out) == (2, "")
    sentence = outcome.err.splitlines()[-1]
    assert "could not be fetched from http://127.0.0.1:9" in sentence and "--model maskrcnn_resnet50" in sentence


def test_names_of_no_model_say_what_there_is(refused, tmp_path):
    photo = save_photo(tmp_path / "photo.png")
    assert "coco, coco-v2, coco-keypoints" in refused("predict", photo, "--model", "cocoa")
    assert refused("predict", photo, "--model", "gone.pth").startswith("maskrcnn: There is no file gone.pth")


def test_a_file_that_torchvision_would_refuse_too(converted):
    with pytest.raises(CheckpointError, match="are missing"):
        convert_torchvision({"rpn.head.cls_logits.bias": torch.zeros(3)}, "part.pth")


def test_weights_of_no_numbers_are_refused(refused, mobile, tmp_path):
    for change, said in (
        (lambda value: value.fill_(float("nan")), "NaN or infinite"),
        (lambda value: value.int(), "no fractions"),
        (lambda value: value.to(torch.complex64), "ComplexFloatStorage"),
    ):
        state = torch_load(mobile)
        state["rpn.head.conv.0.0.bias"] = change(state["rpn.head.conv.0.0.bias"])
        torch.save(state, tmp_path / "copy_320.pth")
        assert said in refused("import", tmp_path / "copy_320.pth", "--out", tmp_path / "m.safetensors")


@pytest.mark.parametrize("shape", [(), (10**5, 0), (1,)])
def test_shapes_that_no_model_has_are_one_sentence(refused, mobile, tmp_path, shape):
    """Of each tensor from which a setting follows."""
    for name in ("roi_heads.box_predictor.cls_score.bias", "roi_heads.box_predictor.cls_score.weight"):
        state = torch_load(mobile)
        state[name] = torch.zeros(shape)
        torch.save(state, tmp_path / "copy_320.pth")
        assert "copy_320.pth" in refused("import", tmp_path / "copy_320.pth", "--out", tmp_path / "m.safetensors")
