"""The heads of docs/extending.md, which live outside the package, run as the page prints them."""

from __future__ import annotations

import dataclasses
import io
import json
import re
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from rich.console import Console

from maskrcnn.checkpoints.ours import load_checkpoint, save_checkpoint
from maskrcnn.data.transforms.samples import AugmentConfig
from maskrcnn.errors import CheckpointError
from maskrcnn.evaluation.evaluate import evaluate
from maskrcnn.face.model import Model
from maskrcnn.inference.predictor import Predictor
from maskrcnn.inference.results.options import ResultOptions
from maskrcnn.losses.objective import Objective
from maskrcnn.modalities.images.predict import predict_files
from maskrcnn.modalities.open import open_dataset
from maskrcnn.modalities.signals.predict import predict_signals
from maskrcnn.models.build import build_model
from maskrcnn.regions import Regions
from maskrcnn.structures import Instances, batch_images
from maskrcnn.training.fit import FitConfig, fit
from maskrcnn.training.log import Report
from tiny import noise, save_photo, tiny_config, tiny_info, write_coco
from tiny_signals import tiny_signal_config, tiny_signal_info, write_one_series

PAGE = Path(__file__).resolve().parents[1] / "docs" / "extending.md"
SHORT = FitConfig(epochs=2, batch_size=2, lr=2e-3, warmup=2, workers=0, average=0.0)


@pytest.fixture(scope="module")
def page():
    """What the code blocks of the page define, one after the other."""
    names: dict[str, object] = {}
    for block in re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL):
        exec(compile(block, str(PAGE), "exec"), names)
    return SimpleNamespace(**names)


@pytest.fixture(scope="module")
def heads(page):
    return {"fullness": page.FullnessHead, "foreground": page.ForegroundHead}


@pytest.fixture(scope="module")
def trained(heads, tmp_path_factory):
    """A model with both heads after a few steps, its checkpoint and the log."""
    folder = tmp_path_factory.mktemp("trained")
    torch.manual_seed(0)
    model = build_model(tiny_config(), heads)
    with torch.no_grad():
        model.box_head.class_logits.weight *= 4000  # so that it finds something
    data, val = open_dataset(write_coco(folder / "train", 6)), open_dataset(write_coco(folder / "val", 3))
    report = Report(folder, Console(file=io.StringIO()))
    best = fit(model, tiny_info(model), data, folder / "run", val, SHORT, AugmentConfig((64, 64)), report=report)
    return SimpleNamespace(best=best, folder=folder, log=(folder / "log.jsonl").read_text(), val=val)


@pytest.fixture(scope="module")
def predictor(trained, heads):
    return Predictor.load(trained.best, heads=heads).with_options(score=0.02)


def image(height=48, width=64):
    return torch.from_numpy(noise(height, width)).permute(2, 0, 1)


def test_the_page_builds_a_model_with_its_function(page):
    model = page.model_with_fullness(tiny_config())
    assert list(model.heads) == ["box", "mask", "fullness"]


def test_training_has_the_heads_losses_and_validation_their_measures(trained):
    lines = [json.loads(line) for line in trained.log.splitlines()]
    assert all(line[f"loss_{name}"] > 0 for line in lines if "lr" in line for name in ("fullness", "foreground"))
    last = lines[-1]
    assert 0 <= last["foreground/IoU"] <= 1
    assert last["val/loss_fullness"] > 0


def test_the_losses_fall_when_the_heads_learn_by_heart(heads):
    torch.manual_seed(0)
    model = build_model(tiny_config(), heads)
    objective = Objective(model).train()
    optimizer = torch.optim.Adam(model.parameters(), 3e-3)
    images = batch_images([torch.randn(3, 64, 64, generator=torch.Generator().manual_seed(k)) for k in range(2)])
    disc = np.hypot(*np.mgrid[-20:20, -20:20]) < 20
    windows = [[((2, 2), disc)], [((20, 10), np.ones((30, 20), bool))]]
    regions = [Regions.from_windows((64, 64), own) for own in windows]
    targets = [
        Instances(torch.from_numpy(own.boxes()).float(), torch.tensor([k + 1]), regions=own)
        for k, own in enumerate(regions)
    ]
    history = []
    for _ in range(60):
        terms = objective(images, targets, [0, 1])
        loss = sum(terms[f"loss_{name}"].mean() for name in heads)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        history.append({name: term.mean().item() for name, term in terms.items()})
    assert history[-1]["loss_foreground"] < 0.5 * history[0]["loss_foreground"]
    model.eval()
    with torch.no_grad():
        seen = model.heads["fullness"](model.backbone(images.tensor), [target.boxes for target in targets]).sigmoid()
    assert seen[0] == pytest.approx(disc.mean(), abs=0.08) and seen[1] > 0.9


def test_predictions_carry_what_the_heads_say(predictor):
    found = predictor(image(40, 100))
    assert len(found) > 2 and found.outputs["fullness"].shape == (len(found),)
    assert found.of_image["foreground"].shape == (1, 40, 100)
    assert found[:2].outputs["fullness"].tolist() == found.outputs["fullness"][:2].tolist()


def test_a_mirrored_look_mirrors_them_too(predictor):
    photo, twice = image(48, 64), predictor.with_options(flip=True)
    there, back = twice(photo), twice(photo.flip(-1))
    torch.testing.assert_close(there.of_image["foreground"], back.of_image["foreground"].flip(-1), atol=1e-4, rtol=0)
    across = there.boxes[:, [2, 1, 0, 3]] * torch.tensor([-1, 1, -1, 1]) + torch.tensor([64, 0, 64, 0])
    order = torch.cdist(across, back.boxes).argmin(1)
    torch.testing.assert_close(there.outputs["fullness"], back.outputs["fullness"][order], atol=1e-3, rtol=0)
    plain = predictor(photo).of_image["foreground"], predictor(photo.flip(-1)).of_image["foreground"].flip(-1)
    torch.testing.assert_close(there.of_image["foreground"], sum(plain) / 2, atol=1e-4, rtol=0)


def test_tiles_are_put_together_again(predictor):
    photo, tiling = image(100, 180), predictor.with_options(tile=64)
    found = tiling(photo)
    assert found.outputs["fullness"].shape == (len(found),) and len(found) > 5
    whole = found.of_image["foreground"]
    assert whole.shape == (1, 100, 180) and torch.isfinite(whole).all()
    corner = predictor(photo[:, :64, :64])
    torch.testing.assert_close(whole[:, :20, :20], corner.of_image["foreground"][:, :20, :20])  # no other tile is there
    own = {tuple(box): value for box, value in zip(corner.boxes.tolist(), corner.outputs["fullness"].tolist())}
    kept = [(tuple(box), k) for k, box in enumerate(found.boxes.tolist()) if tuple(box) in own]
    assert kept and all(found.outputs["fullness"][k].item() == pytest.approx(own[box]) for box, k in kept)


def test_given_boxes_are_described_as_well(predictor):
    found = predictor.masks(image(), torch.tensor([[5.0, 5, 40, 30], [20, 10, 60, 40]]))
    assert found.outputs["fullness"].shape == (2,) and found.of_image == {}


def test_evaluation_measures_them(predictor, trained):
    metrics = evaluate(predictor, trained.val)[0].metrics
    assert "fullness/error" in metrics and 0 <= metrics["foreground/IoU"] <= 1
    records = list(trained.val)
    found = [predictor.masks(trained.val.read_image(record), record.instances().boxes) for record in records]
    rectangles = torch.cat([one.outputs["fullness"] for one in found])  # each fills its box
    measured = predictor.model.heads["fullness"].measures(records, found)
    assert measured["fullness/error"] == pytest.approx(float((1 - rectangles).mean()), abs=1e-6)


def test_results_are_written(predictor, tmp_path):
    photo = save_photo(tmp_path / "in" / "a.png")
    predict_files(predictor, [photo], ResultOptions(tmp_path / "out"))
    rows = json.loads((tmp_path / "out" / "predictions.json").read_text())
    assert len(rows) > 2 and all(0 <= row["fullness"] <= 1 for row in rows)
    (whole,) = json.loads((tmp_path / "out" / "images.json").read_text())
    assert whole["file_name"] == photo.as_posix() and 0 <= whole["foreground"] <= 1


def test_a_program_is_told_them_too(predictor, tmp_path):
    photo = save_photo(tmp_path / "in" / "a.png")
    told = Model(predictor)(photo).to_dict()
    predict_files(predictor, [photo], ResultOptions(tmp_path / "out"))
    rows = json.loads((tmp_path / "out" / "predictions.json").read_text())
    (whole,) = json.loads((tmp_path / "out" / "images.json").read_text())
    assert [one["fullness"] for one in told["objects"]] == [row["fullness"] for row in rows]
    assert told["foreground"] == whole["foreground"]


def test_recordings_have_them_too(heads, tmp_path):
    config = tiny_signal_config()
    model = build_model(config, heads).eval()
    with torch.no_grad():
        model.box_head.class_logits.weight *= 4000
    write_one_series(tmp_path / "in" / "a.npz", np.random.default_rng(0).normal(size=300), 100)
    own = Predictor(model, tiny_signal_info(model)).with_options(score=0.02)
    predict_signals(own, [tmp_path / "in" / "a.npz"], ResultOptions(tmp_path / "out"))
    rows = json.loads((tmp_path / "out" / "predictions.json").read_text())
    assert rows and all(0 <= row["fullness"] <= 1 for row in rows)
    assert len(json.loads((tmp_path / "out" / "images.json").read_text())) == 1


def test_a_checkpoint_says_which_head_it_misses(trained, page):
    with pytest.raises(CheckpointError, match="has the head 'foreground', which this package does not know"):
        load_checkpoint(trained.best)
    with pytest.raises(CheckpointError, match="foreground"):
        page.load_with_fullness(trained.best)


def test_what_is_saved_comes_back(heads, tmp_path):
    model = build_model(tiny_config(), heads).eval()
    save_checkpoint(tmp_path / "m.safetensors", model, tiny_info(model))
    again = Predictor.load(tmp_path / "m.safetensors", heads=heads).with_options(score=0.0)
    before = dataclasses.replace(again, model=model)(image())
    after = again(image())
    assert torch.equal(before.outputs["fullness"], after.outputs["fullness"])
    assert torch.equal(before.of_image["foreground"], after.of_image["foreground"])
