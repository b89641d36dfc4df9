"""One step: parts that add up to the whole, and losses that are no numbers."""

import copy
import dataclasses
import io
import json
import math

import pytest
import torch
from rich.console import Console

import maskrcnn.training.step as step_module
from maskrcnn.checkpoints.ours import load_checkpoint
from maskrcnn.data.loading import epoch_loader
from maskrcnn.data.transforms.augment import AugmentConfig
from maskrcnn.data.transforms.samples import EvalTransform
from maskrcnn.errors import MaskRCNNError
from maskrcnn.losses.objective import Objective
from maskrcnn.losses.terms import Term
from maskrcnn.modalities.open import open_dataset
from maskrcnn.training.fit import fit
from maskrcnn.training.fit_config import FitConfig
from maskrcnn.training.log import Report
from maskrcnn.training.optimizer import make_optimizer
from maskrcnn.training.step import split, train_step
from tiny import tiny_info, tiny_model, write_coco

SGD = FitConfig(batch_size=5, lr=1.0, optimizer="sgd", weight_decay=0.0, clip_norm=1e9, body_lr=1.0)


@pytest.fixture
def samples(tmp_path):
    data = open_dataset(write_coco(tmp_path, count=5))
    return next(epoch_loader(data, EvalTransform(tiny_model().config.preprocess), 5))


def gradients(samples, config=SGD):
    """Each parameter's gradient after one step, and the losses that the step told."""
    model = tiny_model()
    optimizer = make_optimizer(model, config)
    done = train_step(Objective(model), optimizer, samples, config, 0, "cpu")
    assert not done.skipped
    return {name: p.grad.clone() for name, p in model.named_parameters() if p.grad is not None}, done.terms


@pytest.mark.parametrize("parts", [2, 3, 5, 9])
def test_parts_worked_on_one_after_another_give_the_gradients_of_the_whole(samples, parts):
    whole, losses = gradients(samples)
    found, summed = gradients(samples, dataclasses.replace(SGD, accumulate=parts))
    assert found.keys() == whole.keys() and len(whole) > 50
    for name, gradient in whole.items():
        torch.testing.assert_close(found[name], gradient, rtol=1e-3, atol=1e-5 * float(gradient.abs().max()) + 1e-8)
    for name, term in losses.items():
        assert summed[name].count == term.count
        assert summed[name].total.item() == pytest.approx(term.total.item(), rel=1e-5)


def test_a_mean_of_the_parts_means_would_be_something_else(samples):
    """The parts hold different numbers of masks, so a test of equal parts cannot pass by luck."""
    counts = [gradients(part)[1]["loss_mask"].count for part in split(samples, 2)]
    assert counts[0] != counts[1]


@pytest.mark.parametrize("count, parts", [(5, 2), (8, 4), (3, 9), (1, 1), (0, 2)])
def test_a_split_keeps_order_and_leaves_no_part_empty(count, parts):
    found = split(range(count), parts)
    assert [i for part in found for i in part] == list(range(count))
    assert len(found) == min(count, parts) and all(found)
    assert max(map(len, found), default=0) - min(map(len, found), default=0) <= 1


def test_a_batch_of_nothing_changes_nothing():
    model = tiny_model()
    before = copy.deepcopy(model.state_dict())
    done = train_step(Objective(model), make_optimizer(model, FitConfig()), [], FitConfig(), 0, "cpu")
    assert not done.skipped and all(term.count == 0 for term in done.terms.values())
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())


def test_bfloat16_is_only_for_the_forward_pass(samples):
    whole, losses = gradients(samples)
    found, rough = gradients(samples, dataclasses.replace(SGD, bf16=True))
    assert all(gradient.dtype == torch.float32 for gradient in found.values())
    loss, other = (sum(float(t.mean()) for t in terms.values()) for terms in (losses, rough))
    assert other == pytest.approx(loss, rel=0.1) and other != loss


def broken_at(monkeypatch, steps, where="loss"):
    """Make the loss, or else the gradient alone, of the named steps (0, 1 ...) infinite."""
    true_losses, calls = step_module.batch_losses, []

    def batch_losses(objective, *rest):
        terms = true_losses(objective, *rest)
        calls.append(1)
        if len(calls) - 1 not in steps:
            return terms
        first = terms["loss_rpn_box"]
        if where == "loss":
            return terms | {"loss_rpn_box": Term(first.total * math.inf, first.count)}
        first.total.register_hook(lambda gradient: gradient * math.inf)
        return terms

    monkeypatch.setattr(step_module, "batch_losses", batch_losses)


def train(tmp_path, epochs=1, batch=1, count=6, **changes):
    data = open_dataset(write_coco(tmp_path / "data", count=count))
    model, told = tiny_model(), io.StringIO()
    report = Report(tmp_path / "out", Console(file=told, soft_wrap=True))
    config = FitConfig(epochs=epochs, batch_size=batch, lr=1e-3, warmup=2, workers=0, **changes)
    try:
        fit(model, tiny_info(model), data, tmp_path / "out", None, config, AugmentConfig((64, 64)), report=report)
    finally:
        report.close()
    return model, told.getvalue()


@pytest.mark.parametrize("where", ["loss", "gradient"])
def test_a_step_that_is_no_number_is_skipped_counted_and_explained(tmp_path, monkeypatch, where):
    broken_at(monkeypatch, {1, 3, 4}, where)  # never three in a row
    model, told = train(tmp_path)
    assert all(value.isfinite().all() for value in model.state_dict().values())
    assert told.count("this step was skipped") == 3
    assert f"The {where} is " in told and ".png" in told
    log = [json.loads(line) for line in (tmp_path / "out" / "log.jsonl").read_text().splitlines()]
    assert log[0]["skipped"] == 3


def test_a_skipped_step_leaves_the_weights_as_they_were(samples, monkeypatch):
    broken_at(monkeypatch, {0}, "gradient")
    model = tiny_model()
    done = train_step(Objective(model), make_optimizer(model, SGD), samples, SGD, 0, "cpu")
    assert done.skipped
    assert all(torch.equal(value, tiny_model().state_dict()[name]) for name, value in model.state_dict().items())


def test_three_in_a_row_stop_the_training_and_name_the_files(tmp_path, monkeypatch):
    broken_at(monkeypatch, {1, 2, 3})
    with pytest.raises(MaskRCNNError, match=r"The loss is (inf|nan) on the batch of \d\.png, the 3rd .*--lr") as caught:
        train(tmp_path)
    assert "\n" not in str(caught.value)


def test_the_number_of_skipped_steps_survives_a_resume(tmp_path, monkeypatch):
    broken_at(monkeypatch, {0})
    train(tmp_path, count=2)
    data = open_dataset(tmp_path / "data" / "labels.json")
    model = load_checkpoint(tmp_path / "out" / "last.safetensors")[0]
    config = FitConfig(epochs=6, batch_size=1, lr=1e-3, warmup=2, workers=0)
    fit(model, tiny_info(model), data, tmp_path / "out", None, config, AugmentConfig((64, 64)), resume=True)
    log = [json.loads(line) for line in (tmp_path / "out" / "log.jsonl").read_text().splitlines()]
    assert [line["skipped"] for line in log if "loss" in line] == [1, 1, 1]


def test_a_step_that_is_no_number_in_half_precision_is_repeated_in_full(samples, monkeypatch):
    half = dataclasses.replace(SGD, bf16=True)
    expected = tiny_model()
    train_step(Objective(expected), make_optimizer(expected, SGD), samples, SGD, 0, "cpu")
    broken_at(monkeypatch, {0}, "gradient")
    model = tiny_model()
    done = train_step(Objective(model), make_optimizer(model, half), samples, half, 0, "cpu")
    assert not done.skipped and "The gradient is" in done.repeated
    assert all(torch.equal(value, expected.state_dict()[name]) for name, value in model.state_dict().items())


def test_a_step_that_is_no_number_in_both_precisions_is_skipped(samples, monkeypatch):
    half = dataclasses.replace(SGD, bf16=True)
    broken_at(monkeypatch, {0, 1})
    model = tiny_model()
    done = train_step(Objective(model), make_optimizer(model, half), samples, half, 0, "cpu")
    assert done.skipped and done.repeated
    assert all(torch.equal(value, tiny_model().state_dict()[name]) for name, value in model.state_dict().items())


def test_a_repeated_step_is_said_and_not_counted_as_skipped(tmp_path, monkeypatch):
    broken_at(monkeypatch, {1})
    _, told = train(tmp_path, bf16=True)
    assert told.count("was repeated in full precision") == 1 and "skipped" not in told
    log = [json.loads(line) for line in (tmp_path / "out" / "log.jsonl").read_text().splitlines()]
    assert "skipped" not in log[0]


def test_layers_that_bf16_leaves_to_full_precision_are_named_once(tmp_path):
    _, told = train(tmp_path, bf16=True)
    assert told.count("in full precision, because their grids are too small for bf16") >= 1
    names = told.split("on this device: ")[1].split("\n")[0].split(", ")
    assert set(names) <= {name for name, _ in tiny_model().named_modules()} and names
    assert all(told.count(f"{name},") + told.count(f"{name}\n") <= 1 for name in names)
