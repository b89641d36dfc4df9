"""Long recordings as numbered pages of at most so many seconds."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from maskrcnn.modalities.signals.draw.curves import curves_of
from maskrcnn.modalities.signals.draw.layout import lay_out, samples_of_strip
from maskrcnn.modalities.signals.draw.marks import marks_of
from maskrcnn.modalities.signals.draw.strips import Paper, draw_pages, draw_signal
from maskrcnn.modalities.signals.results.writer import SignalWriter
from signals_found import dna, found, recording


@settings(deadline=None, max_examples=60)
@given(st.integers(1, 90_000), st.floats(1, 900))
def test_pages_cover_all_and_none_is_longer_than_asked(length, page):
    signal, none = recording(length, rate=10.0), marks_of(None)
    strip = samples_of_strip(signal, page)
    curves = curves_of(signal.samples.numpy(), signal.channel_names, "wfdb", "", strip)
    layout = lay_out(signal, curves, (none, none), 800, False, page)
    assert layout.count * strip >= length * (1 - 1e-6) and (layout.count - 1) * strip < length
    assert layout.pages == math.ceil(layout.count / layout.on_page)
    assert layout.on_page * strip / signal.rate <= page * (1 + 1e-6)


def test_a_page_is_a_piece_of_the_recording_and_objects_are_on_theirs():
    signal = recording(6000)  # a minute
    objects = found(6000, [(100, 300), (5500, 5800)], [1, 2])
    pages = list(draw_pages(signal, objects, ("early", "late"), Paper("a", width=800, extent=30.0)))
    assert len(pages) == 2 and pages[0].size == pages[1].size
    bare = list(
        draw_pages(signal, found(6000, [(100, 300)], [1]), ("early", "late"), Paper("a", width=800, extent=30.0))
    )
    body = [np.asarray(page, dtype=int)[120:] for page in (*pages, *bare)]
    assert (body[0] == body[2]).all() and (body[1] != body[3]).any()


@pytest.mark.parametrize("signal", [recording(900), dna("ACGT" * 900)])
def test_what_fits_on_a_page_or_has_no_seconds_is_drawn_as_ever(signal):
    (page,) = draw_pages(signal, None, (), Paper(width=800, extent=9.0))
    assert np.array_equal(page, draw_signal(signal, None, (), width=800))


def test_pages_are_files_with_numbers(tmp_path):
    writer = SignalWriter(tmp_path / "out", ("beat",), page=20)
    assert writer.add("long.hea", recording(4500), found(4500, [(10, 90)], [1])).name == "long_page_001.png"
    assert writer.add("short.hea", recording(1500), found(1500, [(10, 90)], [1])).name == "short.png"
    writer.close()
    names = sorted(path.name for path in (tmp_path / "out").glob("*.png"))
    assert names == ["long_page_001.png", "long_page_002.png", "long_page_003.png", "short.png"]
    for name in names:
        with Image.open(tmp_path / "out" / name) as picture:
            assert picture.width == 2000


def test_pages_are_for_recordings(refused, tiny_file, tmp_path):
    Image.new("RGB", (40, 30)).save(tmp_path / "photo.png")
    asked = ("predict", tmp_path / "photo.png", "--model", tiny_file, "--out", tmp_path / "out", "--page-seconds")
    assert "--page-seconds is for recordings, not for images" in refused(*asked, 60)
    assert "--page-seconds must be at least 1" in refused(*asked, 0)
