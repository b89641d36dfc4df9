"""Sensitivity, predictivity and errors of waves, by hand and against a slow twin."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import torch

from maskrcnn.modalities.signals.measures.heart_waves import ecg_measures, labelled_runs, match_waves
from maskrcnn.structures import Instances, Record

NAMES = ("P", "QRS", "T")
RATE = 250.0  # 4 ms a sample: the window of 150 ms is 37.5 samples


def record_of(waves: list[tuple[str, float, float]], source: str = "a", **more: object) -> Record:
    """Waves are (class, onset, end) in samples; an onset of NaN is not known."""
    boxes = np.array([[a, b] for _, a, b in waves], np.float32).reshape(-1, 2)
    unknown = np.isnan(boxes)
    boxes = np.where(unknown, boxes[:, 1:] - 40, boxes).astype(np.float32)
    labels = np.array([NAMES.index(name) + 1 for name, *_ in waves], np.int64)
    return Record(source, source, source, (100_000,), boxes, labels, sampling_rate=RATE, unknown_sides=unknown, **more)


def found_at(waves: list[tuple[str, float, float]], score: float = 0.9) -> Instances:
    boxes = torch.tensor([[a, b] for _, a, b in waves]).reshape(-1, 2).float()
    labels = torch.tensor([NAMES.index(name) + 1 for name, *_ in waves], dtype=torch.int64)
    return Instances(boxes, labels, torch.full((len(waves),), score))


def measures(record: Record, found: Instances, **more: object) -> dict[str, float | None]:
    return ecg_measures([record], [found], NAMES, **more)


def test_errors_by_hand() -> None:
    record = record_of([("QRS", 100, 120), ("QRS", 300, 320), ("QRS", 500, 520)])
    found = found_at([("QRS", 101, 118), ("QRS", 303, 320), ("QRS", 700, 720)])
    metrics = measures(record, found)
    assert metrics["ecg/QRS/sensitivity"] == pytest.approx(2 / 3) and metrics["ecg/QRS/waves"] == 3
    assert metrics["ecg/QRS/ppv"] == 1  # the third is after the last labelled beat
    # onset: +4 and +12 ms; end: -8 and 0 ms
    assert metrics["ecg/QRS/onset_mean_ms"] == 8 and metrics["ecg/QRS/end_mean_ms"] == -4
    assert metrics["ecg/QRS/onset_sd_ms"] == pytest.approx(32**0.5) == metrics["ecg/QRS/end_sd_ms"]
    assert metrics["ecg/P/sensitivity"] is None and metrics["ecg/P/onset_mean_ms"] is None


def test_the_window_is_150_ms_between_centres() -> None:
    record = record_of([("P", 100, 120)])
    assert measures(record, found_at([("P", 137, 157)]))["ecg/P/sensitivity"] == 1  # 148 ms
    assert measures(record, found_at([("P", 138, 158)]))["ecg/P/sensitivity"] == 0  # 152 ms
    wide = measures(record, found_at([("P", 40, 180)]))  # wrong by 240 ms at either end, and said so
    assert wide["ecg/P/sensitivity"] == 1 and wide["ecg/P/onset_mean_ms"] == -240
    assert measures(record, found_at([("QRS", 100, 120)]))["ecg/P/sensitivity"] == 0
    assert measures(record, found_at([("P", 100, 120)], score=0.5))["ecg/P/sensitivity"] == 0  # not shown


def test_a_wave_is_found_once_and_by_the_nearest() -> None:
    record = record_of([("QRS", 100, 120), ("QRS", 130, 150)])
    metrics = measures(record, found_at([("QRS", 126, 146), ("QRS", 108, 128), ("QRS", 115, 135)]))
    assert metrics["ecg/QRS/sensitivity"] == 1 and metrics["ecg/QRS/ppv"] == pytest.approx(2 / 3)
    assert metrics["ecg/QRS/onset_mean_ms"] == pytest.approx((32 - 16) / 2)


def test_a_t_wave_without_an_onset_is_matched_by_its_end() -> None:
    record = record_of([("T", np.nan, 200), ("T", 360, 400)])
    metrics = measures(record, found_at([("T", 10, 205), ("T", 362, 401)]))  # the first onset may be anything
    assert metrics["ecg/T/sensitivity"] == 1 and metrics["ecg/T/onset_mean_ms"] == 8
    assert metrics["ecg/T/end_mean_ms"] == pytest.approx(12) and metrics["ecg/T/onset_sd_ms"] is None
    assert measures(record, found_at([("T", 160, 240)]))["ecg/T/sensitivity"] == 0


def test_beats_that_nobody_labelled_do_not_count() -> None:
    beats = [100, 300, 500, 1300, 1500]  # those at 700, 900 and 1100 were not labelled
    record = record_of([wave for b in beats for wave in (("QRS", b, b + 20), ("T", b + 50, b + 100))])
    assert labelled_runs(record, 2).tolist() == [[100, 600], [1300, 1600]]
    everything = found_at([("QRS", b, b + 20) for b in range(100, 5000, 200)])
    metrics = measures(record, everything)
    assert metrics["ecg/QRS/sensitivity"] == 1 and metrics["ecg/QRS/ppv"] == 1
    extra = found_at([("QRS", b, b + 20) for b in (*beats, 400, 1000)])
    assert measures(record, extra)["ecg/QRS/ppv"] == pytest.approx(5 / 6)
    assert labelled_runs(record_of([]), 2).shape == (0, 2)
    # a crowd says the same, and is no beat itself
    crowd = np.array([False, False, True])
    record = record_of([("QRS", 100, 120), ("QRS", 900, 920), ("QRS", 200, 800)], crowd=crowd)
    assert labelled_runs(record, 2).tolist() == [[100, 920]]
    metrics = measures(record, found_at([("QRS", b, b + 20) for b in (100, 300, 500, 830, 900)]))
    assert metrics["ecg/QRS/waves"] == 2 and metrics["ecg/QRS/ppv"] == pytest.approx(2 / 3)


def test_the_extent_and_the_classes_that_were_searched_for_count() -> None:
    waves = [("QRS", 100, 120), ("QRS", 300, 320)]
    found = found_at([*waves, ("QRS", 200, 220), ("P", 200, 210)])
    metrics = measures(record_of(waves, extent=np.array([0.0, 190.0])), found)
    assert metrics["ecg/QRS/ppv"] == 1 and metrics["ecg/QRS/sensitivity"] == 0.5
    assert measures(record_of(waves), found)["ecg/P/ppv"] == 0
    assert measures(record_of(waves, exhaustive=frozenset({2, 3})), found)["ecg/P/ppv"] is None


def test_means_are_those_of_recordings_averaged() -> None:
    records = [record_of([("P", 100, 120), ("P", 300, 320)], "a"), record_of([("P", 500, 520)], "a")]
    records.append(record_of([("P", 100, 120)], "b"))
    off = [[("P", 101, 120), ("P", 302, 320)], [("P", 503, 520)], [("P", 110, 120)]]  # 4, 8, 12 ms; 40 ms
    metrics = ecg_measures(records, [found_at(waves) for waves in off], NAMES)
    assert metrics["ecg/P/onset_mean_ms"] == pytest.approx((8 + 40) / 2)
    assert metrics["ecg/P/onset_sd_ms"] == pytest.approx(4)  # recording b has one error and no sd
    assert metrics["ecg/P/onset_pooled_mean_ms"] == pytest.approx(16)
    assert metrics["ecg/P/onset_pooled_sd_ms"] == pytest.approx(np.std([4, 8, 12, 40], ddof=1))


def test_each_mark_has_its_better_lead() -> None:
    record = record_of([("QRS", 100, 120), ("QRS", 300, 320)])
    one = found_at([("QRS", 105, 121)])
    two = found_at([("QRS", 99, 128), ("QRS", 302, 323), ("QRS", 200, 220)])
    metrics = measures(record, two, by_lead=[[one, two]])
    assert metrics["ecg/fixed_lead/QRS/sensitivity"] == 0.5 and metrics["ecg/better_lead/QRS/sensitivity"] == 1
    assert metrics["ecg/fixed_lead/QRS/onset_mean_ms"] == 20
    assert metrics["ecg/better_lead/QRS/onset_mean_ms"] == pytest.approx((-4 + 8) / 2)
    assert metrics["ecg/better_lead/QRS/end_mean_ms"] == pytest.approx((4 + 12) / 2)
    assert metrics["ecg/QRS/ppv"] == pytest.approx(2 / 3) and "ecg/better_lead/QRS/ppv" not in metrics
    assert not any("lead" in name for name in measures(record, two))
    assert not any("better" in name for name in measures(record, two, by_lead=[[two]]))


def slow_match(found: np.ndarray, labelled: np.ndarray, unknown: np.ndarray, window: float) -> list[int]:
    def distance(n: int, m: int) -> float:
        known = ~unknown[m]
        return abs(found[n][known].mean() - labelled[m][known].mean()) if known.any() else np.inf

    result, used = [-1] * len(labelled), set()
    everything = itertools.product(range(len(labelled)), range(len(found)))
    for far, m, n in sorted((distance(n, m), m, n) for m, n in everything):
        if far <= window and result[m] == -1 and n not in used:
            result[m] = n
            used.add(n)
    return result


@pytest.mark.parametrize("seed", range(5))
def test_matching_is_that_of_a_slow_twin(seed: int) -> None:
    rng = np.random.default_rng(seed)
    boxes = lambda n: np.sort(rng.integers(0, 400, (n, 2)) / 2.0, axis=1)  # noqa: E731
    found, labelled, unknown = boxes(30), boxes(20), rng.random((20, 2)) < 0.3
    assert match_waves(found, labelled, unknown, 9.5).tolist() == slow_match(found, labelled, unknown, 9.5)
    nothing = np.zeros((0, 2))
    assert match_waves(nothing, labelled, unknown, 9.5).tolist() == [-1] * 20
    assert match_waves(found, nothing, np.zeros((0, 2), bool), 9.5).tolist() == []
