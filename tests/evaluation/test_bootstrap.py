from __future__ import annotations

import numpy as np
import pytest

from evaluation.scenes import random_scenes
from maskrcnn.evaluation import bootstrap, coco
from maskrcnn.evaluation.bootstrap import ap_intervals, average_precision, collect_matches
from maskrcnn.evaluation.coco import evaluate_detections

NAMES = ["cat", "dog"]


def matches_of(records: list, detections: list, kind: str = "box") -> list[bootstrap.ClassMatches]:
    run = coco._run_coco(kind, records, detections, NAMES, 100)
    everything = [e for e in run.eval_imgs if e["aRng"] == run.params.area_rng[0]]
    return collect_matches(everything, len(records))


@pytest.mark.parametrize("kind", ["box", "mask"])
def test_every_image_once_is_the_average_precision_itself(kind: str) -> None:
    records, detections = random_scenes(0, images=30)
    metrics = evaluate_detections(records, detections, NAMES).metrics
    by_class = [average_precision(m, np.ones((1, 30), np.int64)) for m in matches_of(records, detections, kind)]
    for name, ap in zip(NAMES, by_class):
        assert ap.mean() == pytest.approx(metrics[f"{kind}/AP/{name}"], abs=1e-6)
    assert np.mean(by_class) == pytest.approx(metrics[f"{kind}/AP"], abs=1e-6)
    assert np.mean([ap[0, 0] for ap in by_class]) == pytest.approx(metrics[f"{kind}/AP50"], abs=1e-6)


def test_counting_an_image_twice_is_having_it_twice() -> None:
    records, detections = random_scenes(1, images=12)
    counts = np.random.default_rng(0).multinomial(12, [1 / 12] * 12, size=3)
    by_class = np.stack([average_precision(m, counts) for m in matches_of(records, detections)])
    for draw, ap in zip(counts, by_class.mean(axis=(0, 2))):
        chosen = np.repeat(np.arange(12), draw)
        again = evaluate_detections([records[i] for i in chosen], [detections[i] for i in chosen], NAMES)
        assert ap == pytest.approx(again.metrics["box/AP"], abs=1e-6)


def test_chunks_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    records, detections = random_scenes(2, images=10)
    matches = matches_of(records, detections)[0]
    counts = np.random.default_rng(0).multinomial(10, [0.1] * 10, size=50)
    whole = average_precision(matches, counts)
    monkeypatch.setattr(bootstrap, "CHUNK", 5 * len(matches.image))
    np.testing.assert_array_equal(average_precision(matches, counts), whole)


def test_intervals_hold_the_estimate_and_repeat() -> None:
    records, detections = random_scenes(3, images=40)
    result = evaluate_detections(records, detections, NAMES, bootstrap=200, seed=1)
    assert set(result.intervals) == {"box/AP", "box/AP50", "mask/AP", "mask/AP50"}
    for name, (low, high) in result.intervals.items():
        assert 0 <= low < result.metrics[name] < high <= 1
    assert evaluate_detections(records, detections, NAMES, bootstrap=200, seed=1).intervals == result.intervals


def test_resamples_without_any_object_are_left_out() -> None:
    records, detections = random_scenes(4, images=3, objects=3)
    empty, _ = random_scenes(4, images=5, objects=0)
    result = evaluate_detections(records + empty, detections + detections + detections[:2], NAMES, bootstrap=50)
    assert all(np.isfinite(bounds).all() for bounds in result.intervals.values())
    assert ap_intervals([], 3, 10, 0) == {}
