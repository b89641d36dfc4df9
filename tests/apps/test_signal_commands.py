"""train, evaluate and predict on recordings as a user runs them, on a tiny 1-D model."""

import csv
import dataclasses
import importlib.util
import json
import re
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from maskrcnn.checkpoints.ours import read_info
from tiny import save_photo, write_coco
from tiny_signals import (
    CLASSES,
    RATE,
    bumps,
    save_tiny_signal_model,
    tiny_signal_config,
    write_one_series,
    write_series,
    write_sounds,
)

sys.path.insert(0, str(Path(__file__).parents[1] / "data"))
from signal_files import beat, write_marks, write_record  # noqa: E402

LEADS = dataclasses.replace(tiny_signal_config().preprocess, each_channel=True)
needs_sound = pytest.mark.skipif(importlib.util.find_spec("soundfile") is None, reason="soundfile is not installed")
QUICK = ("--plan", "off", "--epochs", 1, "--batch", 2, "--workers", 0)


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    """Files of random models, by the kind that they were made for."""
    folder = tmp_path_factory.mktemp("models")
    return {
        "series": save_tiny_signal_model(folder / "series.safetensors"),
        "wfdb": save_tiny_signal_model(folder / "wfdb.safetensors", "wfdb", preprocess=LEADS),
    }


@pytest.fixture
def series(tmp_path):
    return write_series(tmp_path / "series")


@pytest.fixture
def records(tmp_path):
    """A folder with one good record of four seconds, ``r1``."""
    folder = tmp_path / "records"
    folder.mkdir()
    write_record(folder, "r1")
    write_marks(folder, "r1", [mark for k in range(5) for mark in beat(50 + 150 * k)])
    return folder


def files(folder):
    return sorted(path.name for path in folder.iterdir() if not path.name.startswith("."))


def table(path):
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def metrics(folder):
    return json.loads((folder / "metrics.json").read_text())


@pytest.mark.parametrize("suffix", [".csv", ".npz"])
def test_series_are_learned_judged_and_searched(maskrcnn, models, tmp_path, suffix):
    data, run = write_series(tmp_path / "series", suffix=suffix), tmp_path / "run"
    outcome = maskrcnn("train", data, "--val", data, "--model", models["series"], "--out", run, *QUICK)
    assert outcome.code == 0, outcome.err
    assert "Training on 3 files of high, low" in outcome.err and "predict RECORDINGS" in outcome.err
    best = run / "best.safetensors"
    outcome = maskrcnn("evaluate", data, "--model", best, "--out", tmp_path / "judged", "--bootstrap", 0)
    assert outcome.code == 0, outcome.err
    assert {"box/AP", "mask/AP", "intervals/found", "intervals/named"} <= metrics(tmp_path / "judged").keys()
    assert not any(name.startswith("digits/") for name in metrics(tmp_path / "judged"))
    outcome = maskrcnn("predict", data, "--model", best, "--out", tmp_path / "out", "--score", 0.01)
    assert outcome.code == 0 and "in 3 recordings" in outcome.out
    names = [name for k in range(3) for name in (f"{k}.csv", f"{k}.png")]
    assert files(tmp_path / "out") == sorted([*names, "predictions.json", "summary.csv"])


def test_training_sees_each_window_of_a_long_file_and_learns(maskrcnn, tmp_path):
    """From nothing, as the architecture says; bumps of 3 deviations are easy."""
    data = write_series(tmp_path / "series", count=2, length=2000)
    outcome = maskrcnn("train", data, "--model", "signal_fpn", "--crop-size", 256, "--out", tmp_path / "run", *QUICK)
    assert outcome.code == 0, outcome.err
    steps = [json.loads(line) for line in (tmp_path / "run" / "log.jsonl").read_text().splitlines()]
    assert "step 8/8" in outcome.err or max(step.get("step", 0) for step in steps) == 8  # 2 files, 8 windows each


@needs_sound
def test_sounds_with_audacity_labels(maskrcnn, tmp_path):
    data = write_sounds(tmp_path / "sounds")
    outcome = maskrcnn(
        "train", data, "--val", data, "--model", "signal_fpn", "--crop-size", 128, "--out", tmp_path / "run", *QUICK
    )
    assert outcome.code == 0, outcome.err
    best = tmp_path / "run" / "best.safetensors"
    outcome = maskrcnn("evaluate", data, "--model", best, "--out", tmp_path / "judged", "--bootstrap", 0)
    assert outcome.code == 0, outcome.err
    assert {"digits/found", "digits/named", "intervals/found"} <= metrics(tmp_path / "judged").keys()
    outcome = maskrcnn("predict", data / "0.wav", "--model", best, "--out", tmp_path / "out", "--score", 0.001)
    assert outcome.code == 0, outcome.err
    assert files(tmp_path / "out") == ["0.csv", "0.png", "0.txt", "predictions.json", "summary.csv"]
    rows, lines = table(tmp_path / "out" / "0.csv"), (tmp_path / "out" / "0.txt").read_text().splitlines()
    assert len(rows) == len(lines) > 0
    for row, line in zip(rows, lines):
        start, end, name = line.split("\t")[:3]
        assert float(start) == pytest.approx(float(row["start_s"]), abs=1e-3) and name.startswith(row["class"])
        assert 0 <= float(start) < float(end) <= 3.001


def test_what_was_found_is_the_same_in_every_file(maskrcnn, models, series, tmp_path):
    outcome = maskrcnn("predict", series / "0.csv", "--model", models["series"], "--out", tmp_path / "out")
    assert outcome.code == 0, outcome.err
    found = json.loads((tmp_path / "out" / "predictions.json").read_text())
    rows = table(tmp_path / "out" / "summary.csv")
    assert len(found) == len(rows) > 5
    for entry, row in zip(found, rows):
        assert entry["category"] == row["class"] and entry["category"] in CLASSES
        assert 0 <= entry["start_sample"] < entry["end_sample"] <= 300 and 0.5 <= entry["score"] <= 1
        assert entry["start_s"] == pytest.approx(entry["start_sample"] / RATE, abs=1e-3) == float(row["start_s"])
        assert all(0 <= low < high <= 300 for low, high in entry["mask"])
    with Image.open(tmp_path / "out" / "0.png") as picture:
        assert min(picture.size) > 50


def test_the_best_few_of_one_class_with_clips(maskrcnn, models, series, tmp_path):
    outcome = maskrcnn(
        "predict", series / "0.csv", "--model", models["series"], "--out", tmp_path / "out",
        "--classes", "low", "--max-detections", 2, "--cutouts",
    )  # fmt: skip
    assert outcome.code == 0, outcome.err
    assert [row["class"] for row in table(tmp_path / "out" / "summary.csv")] == ["low", "low"]
    assert len(files(tmp_path / "out" / "cutouts")) == 2


def test_a_file_at_twice_the_rate_is_resampled(maskrcnn, models, tmp_path):
    """Each sample twice: what is found lies at the same seconds."""
    samples, _ = bumps(90)
    smooth = np.convolve(samples, np.hanning(9) / 4, "same")
    fine = np.interp((np.arange(180) + 0.5) / 2 - 0.5, np.arange(90), smooth)
    write_one_series(tmp_path / "in" / "slow.csv", smooth)
    write_one_series(tmp_path / "in" / "fast.csv", fine, 2 * RATE)
    assert maskrcnn("predict", tmp_path / "in", "--model", models["series"], "--out", tmp_path / "out").code == 0
    slow, fast = (table(tmp_path / "out" / f"{name}.csv") for name in ("slow", "fast"))
    strong = [row for row in slow if float(row["score"]) > 0.7]
    same = [
        any(
            a["class"] == b["class"]
            and all(abs(float(a[side]) - float(b[side])) < 0.015 for side in ("start_s", "end_s"))
            for b in fast
        )
        for a in strong
    ]
    assert len(strong) > 2 and sum(same) > 0.7 * len(strong)
    assert max(int(float(row["end_sample"])) for row in fast) > 90


@pytest.mark.parametrize("named", ["r1", "r1.hea", "r1.dat"])
def test_a_record_is_named_with_or_without_a_suffix(maskrcnn, models, records, tmp_path, named):
    outcome = maskrcnn("predict", records / named, "--model", models["wfdb"], "--out", tmp_path / "out")
    assert outcome.code == 0, outcome.err
    assert files(tmp_path / "out") == ["predictions.json", "r1.csv", "r1.mrc", "r1.png", "summary.csv"]


def test_a_record_needs_no_model_named(maskrcnn, models, records, tmp_path, monkeypatch):
    monkeypatch.setattr("maskrcnn.modalities.inputs.DEFAULT_OF_KIND", {"wfdb": str(models["wfdb"])})
    outcome = maskrcnn("predict", records / "r1", "--out", tmp_path / "out")
    assert outcome.code == 0 and "r1.png" in files(tmp_path / "out")
    assert maskrcnn("predict", records, "--out", tmp_path / "all").code == 0


def test_an_ecg_is_judged_as_its_field_does(maskrcnn, models, records, tmp_path):
    waves = save_tiny_signal_model(tmp_path / "waves.safetensors", "wfdb", preprocess=LEADS)
    outcome = maskrcnn("train", records, "--model", waves, "--out", tmp_path / "run", *QUICK, "--val", records)
    assert outcome.code == 0, outcome.err
    best = tmp_path / "run" / "best.safetensors"
    outcome = maskrcnn("evaluate", records, "--model", best, "--out", tmp_path / "judged", "--bootstrap", 0)
    assert outcome.code == 0, outcome.err
    wanted = {"ecg/QRS/sensitivity", "ecg/QRS/onset_sd_ms", "ecg/P/sensitivity", "ecg/T/end_sd_ms"}
    assert wanted <= metrics(tmp_path / "judged").keys()
    assert "Martínez" in outcome.out


def test_a_truncated_record_stops_no_other(maskrcnn, models, records, tmp_path):
    write_record(records, "r2")
    (records / "r2.dat").write_bytes((records / "r2.dat").read_bytes()[:500])
    outcome = maskrcnn("predict", records, "--model", models["wfdb"], "--out", tmp_path / "out")
    assert outcome.code == 1
    assert "r1.hea" in outcome.out and "in 1 recording" in outcome.out
    failures = [line for line in outcome.err.splitlines() if line.startswith("failed: ")]
    assert len(failures) == 1 and "r2.hea" in failures[0] and "cut off" in failures[0]
    assert "r1.png" in files(tmp_path / "out") and "r2.png" not in files(tmp_path / "out")


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("bad.csv", "a\n1\nfour\n5\n", "line 3"),
        ("none.csv", "time,a\n", "no samples"),
        ("x.npz", "no archive", "x.npz"),
    ],
)
def test_a_broken_series_stops_no_other(maskrcnn, models, series, tmp_path, name, text, words):
    (series / name).write_text(text)
    outcome = maskrcnn("predict", series / name, series / "0.csv", "--model", models["series"], "--out", tmp_path / "o")
    assert outcome.code == 1 and "in 1 recording" in outcome.out
    assert name in outcome.err and words in outcome.err


@needs_sound
def test_a_sound_of_no_length_stops_no_other(maskrcnn, tmp_path):
    from tiny_signals import write_wav

    model = save_tiny_signal_model(tmp_path / "audio.safetensors", "audio")
    sounds = write_sounds(tmp_path / "sounds", count=1)
    write_wav(sounds / "empty.wav", np.zeros(0))
    (sounds / "text.wav").write_text("no sound")
    outcome = maskrcnn("predict", sounds, "--model", model, "--out", tmp_path / "out")
    assert outcome.code == 1 and "in 1 recording" in outcome.out
    assert "empty.wav holds no samples" in outcome.err and "text.wav is no sound" in outcome.err


def test_a_file_of_other_channels_or_another_kind_is_named(maskrcnn, models, series, records, tmp_path):
    write_one_series(series / "two.npz", np.zeros((2, 100)))
    outcome = maskrcnn(
        "predict", series / "two.npz", records / "r1", "--model", models["series"], "--out", tmp_path / "o"
    )
    assert outcome.code == 1
    two, record = [line for line in outcome.err.splitlines() if line.startswith("failed: ")]
    assert "two.npz has 2 channels" in two and "sees 1" in two
    assert "r1" in record and "wfdb" in record and "series" in record


def test_files_of_another_kind_than_the_model_s_are_told(refused, models, series, tmp_path):
    photo = save_photo(tmp_path / "photos" / "a.png")
    out = ("--out", tmp_path / "out")
    assert "no recordings in" in refused("predict", photo.parent, "--model", models["series"], *out)
    assert "no images in" in refused("predict", series, "--model", "everyday", *out)
    coco = write_coco(tmp_path / "coco")
    assert "a picture" in refused("evaluate", coco, "--model", models["series"], *out)
    assert "everyday" in refused("evaluate", series, "--model", "everyday", *out)
    assert not (tmp_path / "out").exists()


def test_where_no_model_is_shipped_one_must_be_named(refused, series, tmp_path):
    (tmp_path / "dna").mkdir()
    (tmp_path / "dna" / "a.fasta").write_text(">a\n" + "ACGT" * 20 + "\n")
    for command in (("predict", tmp_path / "dna"), ("evaluate", series), ("predict", series)):
        sentence = refused(*command, "--out", tmp_path / "out")
        assert "No model is meant" in sentence and "--model" in sentence
    assert not (tmp_path / "out").exists()


def test_training_from_a_model_of_other_files_is_refused(refused, models, series, records, tmp_path):
    command = ("--plan", "off", "--out", tmp_path / "out")
    sentence = refused("train", series, "--model", "everyday", *command)
    assert "1 dimension" in sentence and "signal_fpn" in sentence
    sentence = refused("train", write_coco(tmp_path / "coco").parent, "--model", "signal_fpn", *command)
    assert "mobilenet_v2_fpn" in sentence
    outcome = refused("train", series, "--model", models["wfdb"], *command)
    assert "WFDB record" in outcome and str(series) in outcome


def test_training_from_a_model_of_other_channels_is_refused(refused, models, tmp_path):
    write_one_series(tmp_path / "two" / "0.npz", np.zeros((2, 100)))
    (tmp_path / "two" / "0.intervals.csv").write_text("start,end,label\n0.1,0.3,low\n")
    sentence = refused(
        "train", tmp_path / "two", "--model", models["series"], "--plan", "off", "--out", tmp_path / "out"
    )
    assert "0.npz has 2 channels" in sentence and "sees 1" in sentence


def test_pictures_and_recordings_are_not_one_training(refused, series, tmp_path):
    coco = write_coco(tmp_path / "coco")
    sentence = refused("train", coco, series, "--plan", "off", "--out", tmp_path / "out")
    assert str(coco) in sentence and str(series) in sentence and "kinds" in sentence


SCANS_TOO = "is for images and scans, not for recordings."
IMAGES_ALONE = "is for images, not for recordings or scans."


@pytest.mark.parametrize(
    "flags, sentence",
    [
        (("--label-maps",), SCANS_TOO),
        (("--flip",), SCANS_TOO),
        (("--explain",), IMAGES_ALONE),
        (("--image-size", 64), IMAGES_ALONE),
    ],
)
def test_flags_that_mean_nothing_for_recordings_are_refused(refused, models, series, tmp_path, flags, sentence):
    for command in ("predict", "evaluate") if flags[0] in ("--flip", "--image-size") else ("predict",):
        told = refused(command, series, "--model", models["series"], "--out", tmp_path / "out", *flags)
        assert f"{flags[0]} {sentence}" in told
    assert not (tmp_path / "out").exists()


def test_a_plan_is_written_and_followed(maskrcnn, tmp_path):
    data = write_series(tmp_path / "series", count=12, length=400)
    outcome = maskrcnn("train", data, "--plan-only", "--epochs", 1, "--out", tmp_path / "run")
    assert outcome.code == 0, outcome.err
    plan = (tmp_path / "run" / "plan.yaml").read_text()
    for words in ("model: signal_fpn", "spacing: [0.01]", "flip: []", "copy_paste: 0.0", "12 files of 0.01 s a sample"):
        assert words in plan, plan
    assert "pixels" not in plan
    out, edited = tmp_path / "followed", tmp_path / "plan.yaml"
    edited.write_text(re.sub(r"crop_size: \d+ ", "crop_size: 128 ", plan))
    outcome = maskrcnn("train", data, "--plan", edited, "--workers", 0, "--smallest-anchor", 8, "--out", out)
    assert outcome.code == 0, outcome.err
    info = read_info(out / "best.safetensors")
    assert info.config.preprocess.max_size == 128 and info.config.preprocess.spacing == (0.01,)
    assert info.notes["kind"] == "series" and info.notes["recipe"]["crop_size"] == 128
    assert info.config.anchors.sizes[0][0] == 8
