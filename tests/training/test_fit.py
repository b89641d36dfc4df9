"""What a training writes, keeps and refuses."""

import dataclasses
import io
import json
import math

import pytest
import torch
from PIL import Image
from rich.console import Console

from maskrcnn.checkpoints.ours import load_checkpoint, read_info
from maskrcnn.checkpoints.transfer import same_weights
from maskrcnn.data.transforms.samples import AugmentConfig
from maskrcnn.errors import CheckpointError, DataError, MaskRCNNError
from maskrcnn.modalities.open import open_dataset
from maskrcnn.training.fit import FitConfig, fit
from maskrcnn.training.log import Report
from maskrcnn.training.optimizer import make_optimizer, set_learning_rate
from maskrcnn.training.schedule import MovingAverage
from maskrcnn.training.validation import averaged_weights, validate
from tiny import CLASSES, tiny_info, tiny_model, write_coco

SHORT = FitConfig(epochs=1, batch_size=2, lr=1e-3, warmup=2, workers=0, save_every=100)


@pytest.fixture
def data(tmp_path):
    return open_dataset(write_coco(tmp_path / "train"))


@pytest.fixture
def val(tmp_path):
    return open_dataset(write_coco(tmp_path / "val", count=3))


def train(model, data, out, val=None, config=SHORT, resume=False):
    report = Report(out, Console(file=io.StringIO()))
    return fit(model, tiny_info(model), data, out, val, config, AugmentConfig((64, 64)), resume, report=report)


def log_of(folder):
    return [json.loads(line) for line in (folder / "log.jsonl").read_text().splitlines()]


def test_a_training_leaves_models_a_log_and_curves_and_nothing_else(data, val, tmp_path):
    out = tmp_path / "out"
    assert train(tiny_model(), data, out, val) == out / "best.safetensors"
    assert sorted(p.name for p in out.iterdir()) == ["best.safetensors", "curves.png", "last.safetensors", "log.jsonl"]
    with Image.open(out / "curves.png") as curves:
        assert curves.width > 500


def test_the_log_has_training_and_validation_losses_and_metrics(data, val, tmp_path):
    train(tiny_model(), data, tmp_path / "out", val)
    step, validation = log_of(tmp_path / "out")
    losses = ("loss_rpn_objectness", "loss_rpn_box", "loss_box_class", "loss_box", "loss_mask")
    assert (step["step"], step["epoch"], validation["step"], validation["epoch"]) == (2, 0, 2, 1)
    assert step["loss"] == pytest.approx(sum(step[name] for name in losses), abs=1e-4)
    assert validation["val/loss"] == pytest.approx(sum(validation[f"val/{name}"] for name in losses), abs=1e-3)
    assert 0 <= validation["box/AP"] <= 1 and 0 <= validation["mask/AP"] <= 1


def test_the_checkpoint_says_what_was_measured(data, val, tmp_path):
    best = train(tiny_model(), data, tmp_path / "out", val)
    logged = log_of(tmp_path / "out")[-1]
    assert read_info(best).metrics["val/loss"] == pytest.approx(logged["val/loss"], abs=1e-4)


def test_training_makes_the_loss_smaller(data, tmp_path):
    model = tiny_model()
    config = dataclasses.replace(SHORT, epochs=15, batch_size=4)
    before = validate(model, tiny_info(model), data, config, "cpu")["val/loss"]
    train(model, data, tmp_path / "out", config=config)
    assert validate(model, tiny_info(model), data, config, "cpu")["val/loss"] < 0.8 * before


def test_the_validation_loss_does_not_depend_on_the_batches(data):
    model = tiny_model()
    one, four = (
        validate(model, tiny_info(model), data, dataclasses.replace(SHORT, batch_size=size), "cpu") for size in (1, 4)
    )
    assert one["val/loss"] == pytest.approx(four["val/loss"], rel=1e-4)


def test_validating_changes_nothing_about_the_model(data):
    model = tiny_model()
    validate(model, tiny_info(model), data, SHORT, "cpu")
    assert same_weights(model, tiny_model())
    assert model.config == tiny_model().config


@pytest.mark.parametrize("classes", [CLASSES[::-1], ("aardvark", *CLASSES)])
def test_classes_that_the_validation_data_number_otherwise_are_matched_by_name(tmp_path, val, classes):
    other = open_dataset(write_coco(tmp_path / "other", count=3, classes=classes))
    renumbered = json.loads(other.path.read_text())
    for annotation in renumbered["annotations"]:
        name = CLASSES[annotation["image_id"] % 2]
        annotation["category_id"] = classes.index(name) + 1
    other.path.write_text(json.dumps(renumbered))
    model = tiny_model()
    expected, found = (
        validate(model, tiny_info(model), d, SHORT, "cpu")["val/loss"] for d in (val, open_dataset(other.path))
    )
    assert found == pytest.approx(expected)


def test_objects_of_classes_that_the_model_does_not_know_are_left_out_of_the_validation_loss(tmp_path):
    mixed = open_dataset(write_coco(tmp_path / "mixed", classes=("disc", "aardvark", "brick")))
    model = tiny_model()
    assert math.isfinite(validate(model, tiny_info(model), mixed, SHORT, "cpu")["val/loss"])


def test_validation_data_without_a_known_class_are_refused_before_the_training(data, tmp_path):
    other = open_dataset(write_coco(tmp_path / "other", classes=("aardvark",)))
    with pytest.raises(DataError, match=r"labels aardvark, but the model knows disc, brick"):
        train(tiny_model(), data, tmp_path / "out", other)
    assert not (tmp_path / "out" / "best.safetensors").exists()


def scripted_validation(monkeypatch, measures, seen):
    def validate(model, *rest):
        seen.append({name: value.clone() for name, value in model.state_dict().items()})
        return {"box/AP": 0.9, "mask/AP": measures[len(seen) - 1]}

    monkeypatch.setattr("maskrcnn.training.validation.validate", validate)


def test_the_best_checkpoint_is_the_best_by_validation(data, val, tmp_path, monkeypatch):
    seen = []
    scripted_validation(monkeypatch, [0.1, 0.5, 0.3], seen)
    best = train(tiny_model(), data, tmp_path / "out", val, dataclasses.replace(SHORT, epochs=3))
    model, info = load_checkpoint(best)
    assert info.metrics["mask/AP"] == 0.5
    assert all(torch.equal(value, seen[1][name]) for name, value in model.state_dict().items())
    assert not torch.equal(seen[1]["heads.box.fc1.weight"], seen[2]["heads.box.fc1.weight"])


def test_validation_comes_every_few_epochs_and_at_the_end(data, val, tmp_path, monkeypatch):
    scripted_validation(monkeypatch, [0.1, 0.2], [])
    train(tiny_model(), data, tmp_path / "out", val, dataclasses.replace(SHORT, epochs=3, validate_every=2))
    assert [line["epoch"] for line in log_of(tmp_path / "out") if "mask/AP" in line] == [2, 3]


def test_without_validation_data_the_latest_average_is_kept(data, tmp_path):
    best = train(tiny_model(), data, tmp_path / "out", config=dataclasses.replace(SHORT, epochs=2))
    kept, last = load_checkpoint(best)[0], load_checkpoint(tmp_path / "out" / "last.safetensors")[0]
    assert not same_weights(kept, tiny_model()) and not same_weights(kept, last)


def test_within_the_block_a_model_has_its_averaged_weights():
    model = tiny_model()
    average = MovingAverage(tiny_model(seed=1), 0.9)
    with averaged_weights(model, average):
        assert same_weights(model, tiny_model(seed=1))
    assert same_weights(model, tiny_model())


@pytest.mark.parametrize("freeze", [True, False])
def test_freezing_leaves_the_early_layers_as_they_were(data, tmp_path, freeze):
    model = tiny_model()
    train(model, data, tmp_path / "out", config=dataclasses.replace(SHORT, freeze_early=freeze))
    early, before = (m.backbone.body.early_layers() for m in (model, tiny_model()))
    same = [torch.equal(a, b) for x, y in zip(early, before) for a, b in zip(x.parameters(), y.parameters())]
    assert len(same) > 5 and set(same) == {freeze}
    assert not torch.equal(model.backbone.body.last.conv.weight, tiny_model().backbone.body.last.conv.weight)


@pytest.mark.parametrize("layer", ["heads.box.fc1.weight", "backbone.body.stem.conv.weight"])
def test_weights_that_are_no_numbers_stop_the_training_and_name_the_files(data, tmp_path, layer):
    model = tiny_model()
    model.get_parameter(layer).data[:] = math.nan
    with pytest.raises(MaskRCNNError, match=r"The loss is nan on the batch of \d\.png, \d\.png, .*--lr") as caught:
        train(model, data, tmp_path / "out", config=dataclasses.replace(SHORT, epochs=2))
    assert "\n" not in str(caught.value)


def test_without_patience_left_the_training_stops_early(data, val, tmp_path, monkeypatch):
    seen = []
    scripted_validation(monkeypatch, [0.1, 0.5, 0.3, 0.4, 0.9], seen)
    train(tiny_model(), data, tmp_path / "out", val, dataclasses.replace(SHORT, epochs=5, patience=2))
    assert len(seen) == 4
    assert read_info(tmp_path / "out" / "best.safetensors").metrics["mask/AP"] == 0.5


def test_an_average_of_nothing_is_the_weights_as_they_are(data, tmp_path):
    best = train(tiny_model(), data, tmp_path / "out", config=dataclasses.replace(SHORT, epochs=2, average=0.0))
    assert same_weights(load_checkpoint(best)[0], load_checkpoint(tmp_path / "out" / "last.safetensors")[0])


@pytest.mark.parametrize("optimizer, factor", [("sgd", 4), ("adamw", 2)])
def test_the_learning_rate_follows_the_real_batch(optimizer, factor):
    eight, more = (FitConfig(lr=1e-3, batch_size=size, optimizer=optimizer, warmup=0) for size in (8, 32))
    assert eight.scaled_lr() == 1e-3
    assert more.scaled_lr() == pytest.approx(factor * 1e-3)


def test_an_unreadable_image_is_named_and_the_training_goes_on(data, tmp_path):
    (tmp_path / "train" / "images" / "1.png").write_bytes(b"no image")
    with pytest.warns(UserWarning, match=r"1\.png is not an image"):
        best = train(tiny_model(), data, tmp_path / "out")
    assert best.is_file()


def test_data_without_images_are_refused(data, tmp_path):
    with pytest.raises(DataError, match="no images to train on"):
        train(tiny_model(), dataclasses.replace(data, sources=[]), tmp_path / "out")


def test_resuming_nothing_is_refused(data, tmp_path):
    with pytest.raises(CheckpointError, match=r"last\.safetensors does not exist"):
        train(tiny_model(), data, tmp_path / "out", resume=True)


def test_the_body_learns_slowly_and_only_kernels_decay():
    model = tiny_model()
    optimizer = make_optimizer(model, FitConfig(lr=0.5, body_lr=0.2, weight_decay=0.1, warmup=0))
    set_learning_rate(optimizer, FitConfig(lr=0.5, body_lr=0.2, warmup=0), step=1, steps=10**6)
    group_of = {id(p): group for group in optimizer.param_groups for p in group["params"]}
    stem, box = model.backbone.body.stem.conv.weight, model.heads["box"].fc1
    assert group_of[id(stem)]["lr"] == pytest.approx(0.1) and group_of[id(stem)]["weight_decay"] == 0.1
    assert group_of[id(box.weight)]["lr"] == pytest.approx(0.5) and group_of[id(box.weight)]["weight_decay"] == 0.1
    assert group_of[id(box.bias)]["weight_decay"] == 0.0
    assert len(group_of) == len(list(model.parameters()))


def test_an_unknown_optimizer_is_refused():
    with pytest.raises(ValueError, match="unknown optimizer 'lion'"):
        make_optimizer(tiny_model(), FitConfig(optimizer="lion"))
