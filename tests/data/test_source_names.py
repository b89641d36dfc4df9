"""Which source a picture was made from, by what the reader says or its file is called."""

import numpy as np
import pytest

from maskrcnn.data.source_names import group_of, source_name, source_of
from maskrcnn.structures import Record


def record(name: str, group: str | None = None) -> Record:
    return Record(name, 1, name, (8, 8), np.zeros((0, 4), np.float32), np.zeros(0, np.int64), group=group)


@pytest.mark.parametrize(
    "name, source",
    [
        ("12_jpg.rf.7dd48d1bd15d22d7b2c87535ea6b9572.jpg", "12"),
        ("a/b/my.photo_PNG.rf.7dd48d1bd15d22d7b2c87535ea6b9572.jpg", "my.photo"),
        ("x_bmp_jpg.rf.c26c4646f6be47c30e9d218304ce0f0b.jpg", "x_bmp"),
        ("photo.jpg.rf.Ab3dEf6hIj9l.jpg", "photo"),
        ("tiger.rf.1.png", "tiger"),
        ("photo_jpg.jpg", None),
        ("photo.jpg", None),
        ("surf.jpg", None),
    ],
)
def test_the_name_of_the_source(name, source):
    assert source_name(name) == source


def test_copies_of_one_upload_are_a_group():
    assert group_of(record("a_jpg.rf.0123.jpg")) == group_of(record("sub/a_jpg.rf.4567.jpg")) == "a"
    assert group_of(record("a.jpg")) != group_of(record("b.jpg"))
    assert group_of(record("a_jpg.rf.0123.jpg", "patient 7")) == "patient 7"


def test_a_plain_name_tells_no_source():
    assert source_of(record("a.jpg")) is None and group_of(record("a.jpg")) == "a.jpg"
    assert source_of(record("a.jpg", "patient 7")) == "patient 7"
