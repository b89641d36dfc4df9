"""How numbers are said."""

import pytest

from maskrcnn.checks import counted, duration, gib


@pytest.mark.parametrize(
    ("seconds", "words"), [(40, "40 s"), (720, "12 min"), (3900, "1 h 5 min"), (8000, "2 h 13 min")]
)
def test_times_are_words(seconds, words):
    assert duration(seconds) == words


def test_sizes_and_counts_are_words():
    assert gib(1.5 * 2**30) == "1.5 GiB"
    assert (counted(1, "image"), counted(0, "image")) == ("1 image", "0 images")
