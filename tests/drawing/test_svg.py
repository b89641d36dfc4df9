"""Charts are well-formed, escape what they are given, and show the numbers where they belong."""

import xml.etree.ElementTree as ElementTree

import pytest

from maskrcnn.drawing.svg import LEFT, RIGHT, Line, Step, bars, line_chart, spark_line, waterfall

ODD = "<b>&\"'"


def elements(svg, name, kind=None):
    root = ElementTree.fromstring(svg)
    return [e for e in root.iter(name) if kind is None or kind in e.get("class", "").split()]


@pytest.mark.parametrize(
    "chart",
    [
        line_chart([Line(ODD, (0, 1), (1, 0), "s0"), Line("b", (0, 1), (1, 1), "s1", dots=True)], ODD, ODD, ODD),
        line_chart([], "x", "y", "nothing"),
        spark_line((0, 0.5, 1), (1, 1, 0), ODD),
        bars([Step(ODD, 0, 3, ODD, "good")], ODD),
        bars([], "nothing"),
    ],
)
def test_charts_are_well_formed_whatever_they_are_given(chart):
    assert ElementTree.fromstring(chart).tag == "svg"
    assert "<b>" not in chart


def test_a_line_runs_from_corner_to_corner_of_the_plot():
    (line,) = elements(line_chart([Line("a", (0, 1), (0, 1), "s0")], "x", "y", "t", 340, 280), "polyline")
    (x1, y1), (x2, y2) = (map(float, point.split(",")) for point in line.get("points").split())
    assert (x1, x2) == (LEFT, 340 - RIGHT)
    assert y1 > y2


def test_bars_are_as_long_as_their_numbers():
    chart = bars([Step("a", 0, 10, "10", "good"), Step("b", 0, 5, "5", "good"), Step("c", 0, 0, "0", "calm")], "t")
    long, half, none = (float(bar.get("width")) for bar in elements(chart, "rect"))
    assert long == pytest.approx(2 * half, rel=0.01)
    assert none < 2


def test_a_waterfall_goes_down_step_by_step_from_the_total_to_the_rest():
    total = Step("all", 0, 100, "100", "calm")
    chart = waterfall(total, [("one", 30), ("two", 20)], "rest", "things")
    whole, first, second, rest = elements(chart, "rect")
    ends = [(float(r.get("x")), float(r.get("x")) + float(r.get("width"))) for r in (whole, first, second, rest)]
    assert ends[1][1] == pytest.approx(ends[0][1], abs=0.2)
    assert ends[2][1] == pytest.approx(ends[1][0], abs=0.2)
    assert ends[3] == pytest.approx((ends[0][0], ends[2][0]), abs=0.2)
    assert "50" in [text.text for text in elements(chart, "text")]
