"""From scans of several kinds to what a prediction leaves behind, with a tiny model of random weights."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest

from maskrcnn.config import PreprocessConfig
from maskrcnn.errors import UsageError
from maskrcnn.inference.predictor import Predictor
from maskrcnn.inference.results.options import ResultOptions
from maskrcnn.modalities.volumes.predict import predict_volumes
from maskrcnn.modalities.volumes.read import read_label_volume, read_volume
from tiny_signals import CLASSES, tiny_signal_info, tiny_signal_model

nibabel = pytest.importorskip("nibabel")

GRID = PreprocessConfig((0.0,), (1.0,), 32, 32, size_divisor=16, spacing=(1.0,) * 3, standardise=True)
AFFINE = np.diag([-1.0, 1.0, 1.5, 1.0])


@pytest.fixture
def predictor() -> Predictor:
    model = tiny_signal_model(ndim=3, preprocess=GRID)
    predictor = Predictor(model, tiny_signal_info(model, kind="volume"))
    predictor = predictor.with_options(score=0.05)
    return predictor


def write_scan(path: Path, seed: int = 0, channels: int = 1) -> Path:
    """Blobs in noise, 28 x 26 x 16 voxels."""
    generator = np.random.default_rng(seed)
    voxels = generator.normal(0, 1, size=(28, 26, 16, channels)).astype(np.float32)
    voxels[5:15, 6:14, 3:10] += 5
    path.parent.mkdir(parents=True, exist_ok=True)
    nibabel.save(nibabel.Nifti1Image(voxels[..., 0] if channels == 1 else voxels, AFFINE), path)
    return path


def test_scans_that_can_be_read_are_done(tmp_path: Path, predictor: Predictor) -> None:
    good = write_scan(tmp_path / "in" / "p1.nii.gz")
    two = write_scan(tmp_path / "in" / "two.nii", channels=2)
    damaged = tmp_path / "in" / "damaged.nii"
    damaged.write_bytes(b"no scan")
    array = tmp_path / "in" / "stack.npy"
    values = np.random.default_rng(1).normal(size=(12, 20, 24)).astype(np.float32)
    values[0, 0, 0] = np.nan
    np.save(array, values)
    told = []
    out = tmp_path / "out"
    outcome = predict_volumes(
        predictor, [damaged, good, two, array], ResultOptions(out, cutouts=True), lambda *line: told.append(line)
    )
    done = [str(file.path) for (file,) in told if not file.failure]
    assert [str(path) for path in (good, array)] == list(outcome.counts) == done
    assert len(outcome.failures) == 2 and all(line.endswith(".") for line in outcome.failures)
    assert str(damaged) in outcome.failures[0]
    assert f"{two} has 2 channels, and the model sees 1" in outcome.failures[1]
    assert len(outcome.notes) == 1 and str(array) in outcome.notes[0]

    count = outcome.counts[str(good)]
    assert count > 0
    numbers = read_label_volume(out / "p1.instances.nii.gz")
    np.testing.assert_array_equal(numbers.affine, read_volume(good).affine)
    assert set(np.unique(numbers.numbers)) <= set(range(count + 1)) and numbers.numbers.any()
    entries = json.loads((out / "predictions.json").read_text(encoding="utf-8"))
    own = [entry for entry in entries if entry["file_name"] == good.as_posix()]
    assert [entry["object"] for entry in own] == list(range(1, count + 1))
    scores = [entry["score"] for entry in own]
    assert scores == sorted(scores, reverse=True)
    with (out / "summary.csv").open(newline="") as file:
        assert len(list(csv.DictReader(file))) == len(entries) == sum(outcome.counts.values())
    assert (out / "stack.instances.npy").exists() and (out / "stack.projections.png").exists()
    pieces = len(list((out / "cutouts").iterdir()))
    assert pieces == sum(entry["voxels"] > 0 for entry in entries)


def test_classes_and_most_objects(tmp_path: Path, predictor: Predictor) -> None:
    scan = write_scan(tmp_path / "in" / "p1.nii")
    predict_volumes(predictor, [scan], ResultOptions(tmp_path / "all"))
    every, some, best = (tmp_path / name / "predictions.json" for name in ("all", "some", "best"))
    found = json.loads(every.read_text())
    assert {entry["category"] for entry in found} == set(CLASSES)
    last = found[-1]["category"]
    predict_volumes(predictor, [scan], ResultOptions(tmp_path / "some", classes=(last,)))
    expected = [entry["bbox"] for entry in found if entry["category"] == last]
    assert [entry["bbox"] for entry in json.loads(some.read_text())] == expected
    predict_volumes(predictor, [scan], ResultOptions(tmp_path / "best", max_detections=1))
    assert json.loads(best.read_text()) == found[:1]
    with pytest.raises(UsageError, match="does not know kidney"):
        predict_volumes(predictor, [scan], ResultOptions(tmp_path / "none", classes=("kidney",)))


def test_the_model_may_fail(tmp_path: Path, predictor: Predictor, monkeypatch: pytest.MonkeyPatch) -> None:
    scans = [write_scan(tmp_path / "in" / f"p{k}.nii", seed=k) for k in range(2)]
    predict, failures = Predictor.predict, [MemoryError()]

    def fails_once(*arguments):
        if failures:
            raise failures.pop()
        return predict(*arguments)

    monkeypatch.setattr(Predictor, "predict", fails_once)
    outcome = predict_volumes(predictor, scans, ResultOptions(tmp_path / "out"))
    assert outcome.failures == [f"{scans[0]}: the model failed on it (out of memory); try a smaller --tile."]
    assert list(outcome.counts) == [str(scans[1])]


def test_results_are_refused_before_the_work(tmp_path: Path, predictor: Predictor) -> None:
    scans = [write_scan(tmp_path / "a" / "p1.nii"), write_scan(tmp_path / "b" / "p2.nii")]
    with pytest.raises(UsageError, match="name another folder"):
        predict_volumes(predictor, scans, ResultOptions(tmp_path / "b"))
    assert [path.name for path in (tmp_path / "b").iterdir()] == ["p2.nii"]
