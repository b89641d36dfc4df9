"""Found and named intervals by hand; which recordings have which measures, and how they are printed."""

from __future__ import annotations

import io
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from rich.console import Console

from maskrcnn.data.dataset import Dataset
from maskrcnn.evaluation.fields import FieldResult
from maskrcnn.modalities.signals.measures.fields import field_measures
from maskrcnn.modalities.signals.measures.intervals import interval_measures
from maskrcnn.structures import Instances, Record

RATE = 100.0


def record_of(intervals: list[tuple[int, float, float]], rate: float | None = RATE, **more: object) -> Record:
    boxes = np.array([[a, b] for _, a, b in intervals], np.float32).reshape(-1, 2)
    labels = np.array([k for k, *_ in intervals], np.int64)
    return Record("a", "a", "a", (6000,), boxes, labels, sampling_rate=rate, **more)  # a minute


def found_at(intervals: list[tuple[int, float, float, float]]) -> Instances:
    """(label, onset, end, score)."""
    boxes = torch.tensor([[a, b] for _, a, b, _ in intervals]).reshape(-1, 2).float()
    labels = torch.tensor([k for k, *_ in intervals], dtype=torch.int64)
    return Instances(boxes, labels, torch.tensor([s for *_, s in intervals]).reshape(-1))


def test_found_and_named_by_hand() -> None:
    record = record_of([(1, 0, 10), (2, 20, 30), (3, 40, 50), (4, 60, 70)])
    found = found_at(
        [
            (1, 0, 10, 0.9),  # found and named
            (2, 20, 30, 0.7),  # a second one: a false alarm
            (3, 20, 30, 0.8),  # found, not named: it is the surest there
            (3, 40, 60, 0.9),  # IoU 0.5: found
            (4, 60, 70, 0.5),  # not shown
            (1, 300, 310, 0.6),  # a false alarm
        ]
    )
    measured = interval_measures([record], [found])
    assert measured == {"found": 0.75, "named": 0.5, "false_per_minute": 2}
    half = record_of([(1, 0, 10)], extent=np.array([0.0, 3000.0]))
    measured = interval_measures([half], [found_at([(1, 0, 10, 0.9), (1, 50, 60, 0.9), (1, 5000, 5010, 0.9)])])
    assert measured == {"found": 1, "named": 1, "false_per_minute": 2}  # one in half a minute


def test_each_interval_is_found_once_even_where_two_overlap() -> None:
    record = record_of([(1, 0, 10), (2, 4, 14)])
    assert interval_measures([record], [found_at([(2, 3, 13, 0.9), (1, 2, 11, 0.8)])]) == {
        "found": 1,
        "named": 1,
        "false_per_minute": 0,
    }


def test_what_is_not_to_be_found_counts_neither_way() -> None:
    record = record_of([(1, 0, 100), (1, 200, 210)], crowd=np.array([True, False]), exhaustive=frozenset({1}))
    measured = interval_measures([record], [found_at([(1, 5, 10, 0.9), (1, 200, 210, 0.9), (2, 400, 410, 0.9)])])
    assert measured == {"found": 1, "named": 1, "false_per_minute": 0}
    unknown = np.array([[False, True]])
    measured = interval_measures([record_of([(1, 0, 10)], unknown_sides=unknown)], [found_at([(1, 0, 30, 0.9)])])
    assert measured == {"found": None, "named": None, "false_per_minute": 0}
    nothing = Instances(torch.zeros(0, 2))
    assert interval_measures([record_of([(1, 0, 10)])], [nothing])["found"] == 0
    assert interval_measures([], []) == {"found": None, "named": None, "false_per_minute": None}


def dataset_of(*names: str) -> Dataset:
    return Dataset(Path("data"), names, tuple(range(1, len(names) + 1)), (), True)


def printed(result: FieldResult) -> str:
    console = Console(file=io.StringIO(), width=120)
    console.print(result.table)
    return console.file.getvalue()


def test_digits_have_their_own_names() -> None:
    record, found = record_of([(1, 0, 10)]), found_at([(1, 0, 9, 0.9)])
    digits = field_measures(dataset_of("0", "1"), [record], [found])
    assert digits.metrics["digits/named"] == digits.metrics["intervals/found"] == 1
    assert "100.00" in printed(digits) and "0.00" in printed(digits)
    words = field_measures(dataset_of("seven"), [record], [found])
    birds = field_measures(dataset_of("wren", "seven"), [record], [found])
    assert "digits/found" in words.metrics and "digits/found" not in birds.metrics
    json.dumps(digits.metrics, allow_nan=False)


def test_ecg_is_measured_beside_its_reference() -> None:
    waves = [(1, 10, 20), (2, 30, 40), (3, 60, 90), (1, 110, 120), (2, 130, 140), (3, 160, 190)]
    record, found = record_of(waves), found_at([(k, a + 1, b, 0.9) for k, a, b in waves])
    result = field_measures(dataset_of("P", "QRS", "T"), [record], [found], by_lead=[[found, found]])
    assert result.metrics["ecg/QRS/sensitivity"] == 1 and result.metrics["ecg/T/end_sd_ms"] == 0
    assert result.metrics["ecg/better_lead/P/onset_mean_ms"] == pytest.approx(10)
    text = printed(result)
    for part in ("Martínez 2004", "4.6 ± 7.7", "QRS sensitivity %, of 2", "better lead", "10.0 ± 0.0", "98.87"):
        assert part in text
    assert not any(name.startswith("intervals") for name in result.metrics)
    json.dumps(result.metrics, allow_nan=False)


def test_genes_without_a_rate_have_none() -> None:
    found = found_at([(1, 0, 9, 0.9)])
    assert field_measures(dataset_of("gene"), [record_of([(1, 0, 10)], rate=None)], [found]) == FieldResult()
    assert field_measures(dataset_of("gene"), [], []) == FieldResult()


def test_false_alarms_among_bases_are_counted_by_the_kilobase() -> None:
    genome = replace(dataset_of("gene"), kind="dna")
    record, found = (
        record_of([(1, 0, 100)], rate=1.0),
        found_at([(1, 0, 90, 0.9), (1, 500, 600, 0.8), (1, 700, 750, 0.7)]),
    )
    measured = field_measures(genome, [record], [found])  # 6,000 bases
    assert measured.metrics["intervals/false_per_kilobase"] == pytest.approx(2 / 6)
    assert "intervals/false_per_minute" not in measured.metrics
    assert "a kilobase" in printed(measured) and "0.33" in printed(measured)
