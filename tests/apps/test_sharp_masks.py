"""Masks from close up, as somebody meets them who types: predicting, judging and training."""

import json
import re

import pytest
import torch

import maskrcnn.inference.keep as keep
from maskrcnn.checkpoints.ours import load_checkpoint, save_checkpoint
from maskrcnn.config import CloseUpMaskConfig
from maskrcnn.regions import Regions
from tiny import save_photo, tiny_info, tiny_model, write_coco

TINY = CloseUpMaskConfig(size=32, widths=(8, 8, 6, 6, 4))


@pytest.fixture(scope="module")
def sharp_file(tmp_path_factory):
    model = tiny_model(closeup_mask_head=TINY)
    torch.nn.init.normal_(model.heads["closeup_mask"].segmenter.logits.weight, std=1.0)
    path = tmp_path_factory.mktemp("sharp") / "sharp.safetensors"
    save_checkpoint(path, model, tiny_info(model))
    return path


def found_in(out):
    return json.loads((out / "predictions.json").read_text())


def test_predicting_with_and_without(maskrcnn, sharp_file, tmp_path, monkeypatch):
    photo = save_photo(tmp_path / "photo.png")
    # random masks are one blob or another: what is in one piece is marked instead
    monkeypatch.setattr(keep, "largest_parts", lambda regions: Regions.blank(regions.spatial_shape, len(regions)))
    results = {}
    for flags in ((), ("--sharp", "off"), ("--raw-masks",), ("--sharp", "off", "--raw-masks")):
        out = tmp_path / "-".join(("out", *flags))
        assert maskrcnn("predict", photo, "--model", sharp_file, "--out", out, "--score", 0.1, *flags).code == 0
        results[flags] = found_in(out)
    own = results[()]
    assert own and all(set(a) == set(b) and a["bbox"] == b["bbox"] for r in results.values() for a, b in zip(own, r))
    masks = {flags: [entry["segmentation"] for entry in entries] for flags, entries in results.items()}
    assert masks[()] == masks[("--sharp", "off")]  # both in one piece, and so blank here
    assert masks[("--raw-masks",)] != masks[()]
    assert masks[("--raw-masks",)] != masks[("--sharp", "off", "--raw-masks")]


def test_a_slip_is_answered(maskrcnn, sharp_file, tmp_path):
    outcome = maskrcnn("predict", save_photo(tmp_path / "photo.png"), "--model", sharp_file, "--sharp", "yes")
    assert outcome.code == 2 and "auto" in outcome.err and "off" in outcome.err


def test_judging_says_how_well_masks_fit(maskrcnn, sharp_file, tmp_path):
    data = write_coco(tmp_path / "data")
    values = {}
    for flags in ((), ("--sharp", "off")):
        out = tmp_path / "-".join(("judged", *flags))
        outcome = maskrcnn("evaluate", data, "--model", sharp_file, "--out", out, "--bootstrap", 0, *flags)
        assert outcome.code == 0 and "boundaryIoU" in outcome.out
        values[flags] = json.loads((out / "metrics.json").read_text())
    for metrics in values.values():
        assert {"mask/IoU", "mask/IoUs", "mask/IoUm", "mask/IoUl", "mask/boundaryIoU"} <= set(metrics)
    assert values[()]["box/AP"] == values[("--sharp", "off")]["box/AP"]


@pytest.mark.parametrize("flags, kept", [((), True), (("--sharp", "off"), False)])
def test_training_from_such_a_model_goes_on_with_it(maskrcnn, sharp_file, tmp_path, flags, kept):
    data, out = write_coco(tmp_path / "data"), tmp_path / "run"
    outcome = maskrcnn("train", data, "--model", sharp_file, "--out", out, "--epochs", 1, "--workers", 0, *flags)
    assert outcome.code == 0, outcome.err
    plan = (out / "plan.yaml").read_text()
    assert re.search(r"^sharp: '?(\w+)", plan, re.M).group(1) == ("auto" if kept else "off")
    model, info = load_checkpoint(out / "best.safetensors")
    assert ("closeup_mask" in model.heads) == kept and (info.config.closeup_mask_head == TINY) == kept
    log = [json.loads(line) for line in (out / "log.jsonl").read_text().splitlines()]
    assert any("loss_closeup_mask" in line for line in log) == kept


def test_boxes_alone_have_no_close_ups(maskrcnn, sharp_file, tmp_path):
    data, out = write_coco(tmp_path / "data", masks=False), tmp_path / "run"
    assert maskrcnn("train", data, "--model", sharp_file, "--out", out, "--epochs", 1, "--workers", 0).code == 0
    _, info = load_checkpoint(out / "best.safetensors")
    assert info.config.closeup_mask_head is None and info.config.mask_head is None


def test_a_plan_may_say_off_without_quotes(maskrcnn, sharp_file, tmp_path):
    data, out, plan = write_coco(tmp_path / "data"), tmp_path / "run", tmp_path / "plan.yaml"
    plan.write_text("sharp: off\nepochs: 1\nworkers: 0\n")
    assert maskrcnn("train", data, "--model", sharp_file, "--out", out, "--plan", plan).code == 0
    assert load_checkpoint(out / "best.safetensors")[1].config.closeup_mask_head is None
