"""The log has every tenth step once, whatever happened in between, and people are told the same."""

import io
import json

import pytest
import torch
from PIL import Image
from rich.console import Console

from maskrcnn.losses.terms import Term
from maskrcnn.training.log import Report, rising_loss, said_of_training

TERMS = {"loss_box": Term(torch.tensor(3.0), 2), "loss_mask": Term(torch.tensor(1.0), 4)}


def report_into(folder, **options):
    return Report(folder, Console(file=io.StringIO(), **options))


def log_of(folder):
    return [json.loads(line) for line in (folder / "log.jsonl").read_text().splitlines()]


def run_steps(report, first, last, of=100):
    for step in range(first, last + 1):
        report.step(step, of, step // 25, 4, TERMS, 0.5)


def test_every_tenth_step_and_the_last_are_logged(tmp_path):
    report = report_into(tmp_path)
    report.resume_at(0, 0)
    run_steps(report, 1, 23, of=23)
    assert [line["step"] for line in log_of(tmp_path)] == [10, 20, 23]


def test_a_line_has_the_losses_their_sum_and_the_rate(tmp_path):
    report = report_into(tmp_path)
    report.resume_at(0, 0)
    run_steps(report, 1, 10)
    (line,) = log_of(tmp_path)
    expected = {"step": 10, "epoch": 0, "lr": 0.5, "loss": 1.75, "loss_box": 1.5, "loss_mask": 0.25}
    assert {name: line[name] for name in expected} == expected
    assert line["images_per_second"] > 0 and line["seconds"] >= 0


def test_a_validation_is_logged_and_drawn(tmp_path):
    report = report_into(tmp_path)
    report.resume_at(0, 0)
    run_steps(report, 1, 10)
    report.epoch(1, 10, {"val/loss": 0.75, "box/AP": 0.25})
    assert log_of(tmp_path)[-1] == {"step": 10, "epoch": 1, "val/loss": 0.75, "box/AP": 0.25}
    with Image.open(tmp_path / "curves.png") as curves:
        assert curves.width > curves.height > 100


def test_a_new_training_begins_a_new_log(tmp_path):
    report = report_into(tmp_path)
    report.resume_at(0, 0)
    run_steps(report, 1, 30)
    report_into(tmp_path).resume_at(0, 0)
    assert log_of(tmp_path) == []


def test_steps_after_the_last_save_are_done_again_and_logged_once(tmp_path):
    first = report_into(tmp_path)
    first.resume_at(0, 0)
    run_steps(first, 1, 33)
    second = report_into(tmp_path)
    second.resume_at(25, 1)
    run_steps(second, 26, 40)
    assert [line["step"] for line in log_of(tmp_path)] == [10, 20, 30, 40]


def test_a_validation_after_the_last_save_is_done_again_and_logged_once(tmp_path):
    first = report_into(tmp_path)
    first.resume_at(0, 0)
    run_steps(first, 1, 20)
    first.epoch(1, 20, {"val/loss": 0.75})
    second = report_into(tmp_path)
    second.resume_at(20, 0)  # saved at step 20, before the epoch was finished
    second.epoch(1, 20, {"val/loss": 0.75})
    assert [line["step"] for line in log_of(tmp_path)] == [10, 20, 20]


def test_a_validation_before_the_last_save_stays_in_the_log(tmp_path):
    first = report_into(tmp_path)
    first.resume_at(0, 0)
    run_steps(first, 1, 20)
    first.epoch(1, 20, {"val/loss": 0.75})
    report_into(tmp_path).resume_at(20, 1)
    assert [line.get("val/loss") for line in log_of(tmp_path)] == [None, None, 0.75]


@pytest.mark.parametrize("torn", ['{"step": 20, "ep', '{"step": 20, "lo}', "\x00\x00"])
def test_a_torn_last_line_is_passed_over(tmp_path, torn):
    first = report_into(tmp_path)
    first.resume_at(0, 0)
    run_steps(first, 1, 10)
    with (tmp_path / "log.jsonl").open("a") as file:
        file.write(torn)
    report_into(tmp_path).resume_at(20, 0)
    assert [line["step"] for line in log_of(tmp_path)] == [10]


def test_seconds_go_on_after_a_resume(tmp_path):
    first = report_into(tmp_path)
    first.resume_at(0, 0)
    first.started -= 500
    run_steps(first, 1, 10)
    second = report_into(tmp_path)
    second.resume_at(10, 0)
    run_steps(second, 11, 20)
    assert log_of(tmp_path)[-1]["seconds"] >= 500


def test_lines_are_printed_where_there_is_no_terminal(tmp_path):
    report = report_into(tmp_path)
    report.resume_at(0, 0)
    run_steps(report, 1, 10)
    assert report.console.file.getvalue().startswith("step 10/100  epoch 1  loss 1.750")


def test_what_is_written_to_a_file_is_one_line_however_long(tmp_path, capsys):
    report = Report(tmp_path)
    report.resume_at(0, 0)
    names = ("val/loss", "box/AP", "box/AP50", "mask/AP", "mask/AP50")
    report.epoch(1, 10, dict.fromkeys(names, 0.123456789))
    assert capsys.readouterr().err == "epoch 1: " + "  ".join(f"{name} 0.123" for name in names) + "\n"


def test_a_terminal_shows_a_bar(tmp_path):
    report = report_into(tmp_path, force_terminal=True)
    report.resume_at(0, 0)
    run_steps(report, 1, 10)
    report.close()
    assert "10/100" in report.console.file.getvalue()


@pytest.mark.parametrize(
    ("losses", "said"),
    [((1.0, 0.8, 0.9, 1.0), True), ((1.0, 0.8, 0.9, 0.8), False), ((1.0, 0.9, 0.8), False), ((0.5, 1.0), False)],
)
def test_a_validation_loss_that_rises_is_said(losses, said):
    log = [{"epoch": k + 1, "val/loss": loss} for k, loss in enumerate(losses)]
    sentence = rising_loss([{"step": 1, "epoch": 0, "loss": 3.0}, *log])
    assert ("lowest after epoch 2 (0.800) and has risen to 1.000" in sentence) == said


def test_the_log_beside_a_checkpoint_says_it_too(tmp_path):
    checkpoint, log = tmp_path / "best.safetensors", tmp_path / "log.jsonl"
    checkpoint.touch()
    assert said_of_training(checkpoint) == () == said_of_training("everyday")
    lines = [{"epoch": k + 1, "val/loss": loss} for k, loss in enumerate((1.0, 0.8, 0.9, 1.0))]
    log.write_text("".join(json.dumps(line) + "\n" for line in [3, *lines]) + '{"epo')
    assert said_of_training(checkpoint) == (rising_loss(lines),) == said_of_training(str(checkpoint))
