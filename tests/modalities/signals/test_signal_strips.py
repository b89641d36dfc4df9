from __future__ import annotations

import time

import numpy as np
import pytest

from maskrcnn.drawing.colours import class_color
from maskrcnn.drawing.page import font_of
from maskrcnn.modalities.signals.draw.curves import curves_of, gc_content
from maskrcnn.modalities.signals.draw.marks import place_words, rows_of
from maskrcnn.modalities.signals.draw.scale import axis_step, extent_text, multiples, position_text, strip_length
from maskrcnn.modalities.signals.draw.strips import draw_signal
from maskrcnn.modalities.signals.draw.trace import (
    apply_tint,
    clear_tint,
    column_extremes,
    tint_columns,
    trace_coverage,
    value_range,
)
from maskrcnn.regions import Regions, stretches
from signals_found import dna, found, recording


def slow_extremes(values: np.ndarray, edges: np.ndarray) -> tuple[list[float], list[float]]:
    """Every corner and every edge of the line within a column, one after another."""

    def at(x: float) -> float:
        k = min(max(int(np.floor(x - 0.5)), 0), len(values) - 2)
        part = min(max(x - 0.5 - k, 0.0), 1.0)
        return values[k] + part * (values[k + 1] - values[k])

    low, high = [], []
    for a, b in zip(edges, edges[1:]):
        heights = [at(a), at(b)] + [values[k] for k in range(len(values)) if a <= k + 0.5 < b]
        low.append(min(heights))
        high.append(max(heights))
    return low, high


@pytest.mark.parametrize("columns", [3, 40, 57, 200, 1000])
@pytest.mark.parametrize("first, last", [(0, 200), (13.25, 171.8), (60, 61)])
def test_extremes_of_columns_are_those_of_every_point(columns: int, first: float, last: float) -> None:
    values = np.random.default_rng(columns).normal(size=200)
    edges = first + (last - first) * np.arange(columns + 1) / columns
    low, high = column_extremes(values, edges)
    slow_low, slow_high = slow_extremes(values, edges)
    np.testing.assert_allclose(low, slow_low, atol=1e-9)
    np.testing.assert_allclose(high, slow_high, atol=1e-9)


def test_no_peak_is_lost_in_fifteen_minutes() -> None:
    values = np.zeros(225_000, dtype=np.float32)
    values[123_457] = 1
    _, high = column_extremes(values, np.linspace(0, 225_000, 1501))
    assert high.max() == 1 and np.flatnonzero(high > 0.5).tolist() == [123_457 // 150]


def test_gaps_and_what_lies_outside_have_no_line() -> None:
    values = np.array([1, 2, np.nan, np.nan, np.nan, 3, 4.0])
    low, _ = column_extremes(values, np.arange(-1, 9.0))
    assert np.isnan(low).tolist() == [True, False, False, True, True, True, False, False, True]
    assert trace_coverage(low, low, 5, 0.5)[:, 0].sum() == 0


def test_a_line_covers_its_width_in_every_column() -> None:
    covered = trace_coverage(np.array([2.25, 4.0]), np.array([2.25, 7.0]), 10, 0.75)
    np.testing.assert_allclose(covered.sum(axis=0), [1.5, 4.5])
    np.testing.assert_allclose(covered[1:4, 0], [0.5, 1, 0])


def test_a_column_gets_the_part_that_is_covered() -> None:
    tint = clear_tint(6)
    tint_columns(tint, (1.25, 3.5), (200, 0, 0), 0.5)
    tint_columns(tint, (3, 4), (0, 100, 0), 0.5)
    for beyond in ((-9, -1), (7, 9), (2, 2)):
        tint_columns(tint, beyond, (9, 9, 9), 1.0)
    picture = np.full((2, 6, 3), 40, dtype=np.float32)
    apply_tint(picture, tint)
    # blended one after another: 40 towards 200 by 3/8, 1/2 and 1/4, then the fourth towards (0, 100, 0) by a half
    np.testing.assert_allclose(picture[1, :, 0], [40, 100, 120, 40, 40, 40])
    np.testing.assert_allclose(picture[1, :, 1], [40, 25, 20, 65, 40, 40])


def test_a_single_wild_sample_does_not_flatten_the_rest() -> None:
    values = np.sin(np.arange(10_000) / 5)
    assert value_range(values, 2500) == pytest.approx(2, rel=1e-3)
    values[77] = 1000
    assert 5 < value_range(values, 2500) < 7


def test_a_drift_is_never_cut_off() -> None:
    values = np.arange(10_000, dtype=np.float32)
    assert value_range(values, 10_000) == 9999 and value_range(values, 2500.5) == 2500


def test_stretches_are_those_of_the_mask() -> None:
    masks = np.random.default_rng(5).random((20, 50)) < 0.4
    masks[3] = False
    masks[4] = True
    regions = Regions.from_masks(masks, (50,))
    for i, mask in enumerate(masks):
        rebuilt = np.zeros(50, bool)
        for start, end in stretches(regions, i):
            assert start < end and not rebuilt[max(start - 1, 0) : end].any()
            rebuilt[start:end] = True
        np.testing.assert_array_equal(rebuilt, mask)


@pytest.mark.parametrize(
    "extent, unit, length",
    [
        (2, "s", 2),
        (20, "s", 20),
        (21, "s", 10),
        (120, "s", 10),
        (121, "s", 60),
        (900, "s", 60),
        (1800, "s", 60),
        (1801, "s", 120),
        (86_400, "s", 3600),
        (86_400 * 365, "s", 2_000_000),
        (10_000, "bp", 10_000),
        (154_478, "bp", 10_000),
        (5_000_000, "bp", 200_000),
        (4000, "samples", 4000),
        (4001, "samples", 2000),
        (1_000_000, "samples", 50_000),
    ],
)
def test_lengths_of_strips(extent: float, unit: str, length: float) -> None:
    assert strip_length(extent, unit) == length and extent / length <= 30


def test_round_numbers_on_axes() -> None:
    assert [axis_step(x, "s") for x in (0.03, 0.3, 0.6, 3, 40, 4000)] == pytest.approx([0.05, 0.5, 1, 5, 60, 7200])
    assert [axis_step(x, "bp") for x in (0.2, 480)] == [1, 500]
    np.testing.assert_allclose(multiples(0.1, 0.3, 0.6), [0.3, 0.4, 0.5, 0.6])
    assert position_text(0.4, 0.1, 2, "s") == "0.4"
    assert position_text(65, 5, 900, "s") == "1:05"
    assert position_text(59.96, 0.5, 61, "s") == "1:00.0"
    assert position_text(3725, 5, 7200, "s") == "1:02:05"
    assert position_text(12_000, 1000, 20_000, "bp") == "12,000"
    assert [extent_text(x, "s") for x in (2.5, 900, 7500, 121)] == ["2.5 s", "15 min", "2 h 5 min", "2 min 1 s"]


def test_rows_hold_nothing_twice() -> None:
    assert rows_of([(0, 5), (1, 2), (2, 9), (3, 4), (5, 6)], 2) == [0, 1, 1, None, 0]


def test_words_do_not_overlap_and_stay_inside() -> None:
    spans = np.sort(np.random.default_rng(2).uniform(-20, 620, (60, 1)), axis=0) + [0, 30]
    font = font_of(15)
    places = place_words(spans, ["QRS 0.98"] * 60, (100, 500), 2, font)
    width = round(font.getlength("QRS 0.98") + 0.7 * 15)
    assert len(places) >= 6
    for row in (0, 1):
        lefts = sorted(left for _, left, r in places if r == row)
        assert min(np.diff(lefts)) >= width and lefts[0] >= 100 and lefts[-1] + width <= 500


def test_the_part_of_g_and_c() -> None:
    signal = dna("G" * 500 + "A" * 500 + "N" * 500)
    content = gc_content(signal.samples.numpy(), tuple("ACGT"))[0]
    assert content[0] == 100 and content[700] == 0 and content[1400] == 50
    assert curves_of(signal.samples, tuple("ACGT"), "dna", "", 1500).names == ["GC %"]


def test_an_object_is_coloured_where_its_mask_is_and_nowhere_else() -> None:
    signal = recording(1000)
    mask = [*range(300, 400), *range(500, 550)]
    plain = np.asarray(draw_signal(signal, found(1000, [], []), ["a"])).astype(int)
    detections = found(1000, [(300, 550)], [1], masks=[mask])
    picture = np.asarray(draw_signal(signal, detections, ["a"])).astype(int)
    below = picture[-1, 0]
    assert (below == 255).all()
    offset = len(picture) - len(plain)  # of the row of words
    changed = (picture[offset:] != plain).any(axis=-1)
    left, right = 145, 1972
    colored = changed[105:300].mean(axis=0) > 0.5
    at = (np.flatnonzero(colored) - left) / (right - left) * 1000
    assert ((at > 290) & (at < 560)).all()
    assert colored[int(left + 0.32 * (right - left)) : int(left + 0.38 * (right - left))].all()
    assert not colored[int(left + 0.42 * (right - left)) : int(left + 0.48 * (right - left))].any()


def test_truth_adds_a_row_and_an_empty_picture_says_so() -> None:
    signal = recording(500)
    nothing = found(500, [], [])
    alone = draw_signal(signal, nothing, ["a"])
    beside = draw_signal(signal, nothing, ["a"], truth=found(500, [(5, 9)], [1]))
    assert beside.height > alone.height
    assert class_color(1) in {color for _, color in beside.getcolors(1 << 20)}
    assert class_color(1) not in {color for _, color in alone.getcolors(1 << 20)}


@pytest.mark.parametrize(
    "signal",
    [
        recording(1),
        recording(2, channels=12),
        recording(300, channels=40),
        recording(30_000, rate=500.0),
        recording(5000, unit="samples", rate=1.0, kind="series"),
        dna("ACGTN" * 10),
        dna("N" * 30),
    ],
)
def test_signals_of_every_kind_and_length_are_drawn(signal) -> None:
    length = signal.samples.shape[-1]
    picture = draw_signal(signal, found(length, [(0, length)], [2]), ["a", "b"], title="x" * 40)
    assert picture.mode == "RGB" and picture.width == 2000


def test_a_constant_is_drawn() -> None:
    signal = recording(100)
    signal.samples[:] = 3
    draw_signal(signal, None, ["a"])


def test_four_thousand_objects_in_fifteen_minutes_take_seconds() -> None:
    signal = recording(225_000, channels=2, rate=250.0)
    starts = np.linspace(0, 224_900, 4000)
    began = time.process_time()
    picture = draw_signal(
        signal, found(225_000, np.stack([starts, starts + 30], 1).tolist(), [1, 2] * 2000), ["a", "b"]
    )
    assert time.process_time() - began < 12  # about 3 on a quiet machine
    assert picture.height < 5000
