"""Long files are visited as often as it takes to see all of them."""

from pathlib import Path

import numpy as np
import pytest
import torch

from maskrcnn.config import PreprocessConfig
from maskrcnn.data.dataset import Dataset
from maskrcnn.data.windows import MOST_VISITS, Remembering, objects_in_window, spread, unlabelled_part
from maskrcnn.errors import DataError
from maskrcnn.structures import Record

GRID = PreprocessConfig((0.0,), (1.0,), 100, 100, spacing=(0.01,))


def record(length, boxes=(), image_id=0, spacing=(0.01,), **fields):
    boxes = np.array(boxes, np.float32).reshape(-1, 2)
    labels = np.ones(len(boxes), np.int64)
    return Record(f"{image_id}.csv", image_id, "x", (length,), boxes, labels, spacing=spacing, **fields)


class Source:
    def __init__(self, record):
        self.own = record

    def record(self):
        if self.own is None:
            raise DataError("broken.csv is broken.")
        return self.own

    def num_objects(self):
        return 0 if self.own is None else len(self.own)


def dataset(*records, read_image=lambda record: torch.zeros(1, 4)):
    sources = [Source(one) for one in records]
    return Dataset(Path("data"), ("a",), (1,), sources, has_masks=True, read_image=read_image, kind="series")


def visits(*records, preprocess=GRID, window=(100,)):
    data = spread(dataset(*records), preprocess, window)
    return [[one.image_id for one in data].count(k) for k in range(len(records))]


def test_a_file_is_seen_as_often_as_windows_fit_into_it():
    files = [record(length, image_id=k) for k, length in enumerate((5, 100, 249, 251, 1000))]
    assert visits(*files) == [1, 1, 2, 3, 10]
    assert visits(*files, preprocess=PreprocessConfig()) == [1] * 5  # images are resized, not cut


def test_windows_are_those_of_the_model_and_of_what_was_labelled():
    finer = record(1000, spacing=(0.0025,), image_id=0)
    part = record(1000, extent=np.array([100.0, 400.0]), image_id=1)
    crowd = {"crowd": np.array([True, False])}
    unsearched = record(1000, [[0, 400], [500, 510]], image_id=2, **crowd)
    assert visits(finer, part, unsearched) == [2, 3, 6]
    assert visits(record(10**9)) == [MOST_VISITS]


def test_windows_of_a_scan_count_along_each_axis():
    none, labels = np.zeros((0, 6), np.float32), np.zeros(0, np.int64)
    scan = Record("0", 0, "x", (64, 128, 32), none, labels, spacing=(1.0, 1.0, 2.0))
    assert visits(scan, preprocess=PreprocessConfig(spacing=(1.0,) * 3), window=(64, 64, 64)) == [2 * 2 * 1]


def test_what_cannot_be_read_has_its_turn():
    data = spread(dataset(record(1000), None), GRID, (100,))
    assert len(data) == 11
    with pytest.raises(DataError, match=r"broken\.csv"):
        data[10]


def test_the_part_that_nobody_labelled():
    assert unlabelled_part(record(100, [[0, 10]])) == 0
    assert unlabelled_part(record(100, [[0, 10]], crowd=np.array([False]))) == 0
    crowds = record(100, [[0, 10], [20, 40], [50, 90]], crowd=np.array([True, True, True]))
    assert unlabelled_part(crowds) == pytest.approx(0.7)
    crowds.labels = np.array([1, 1, 2])  # of the class with most
    assert unlabelled_part(crowds) == pytest.approx(0.4)
    crowds.extent = np.array([0.0, 50.0])
    assert unlabelled_part(crowds) == pytest.approx(0.8)


def test_objects_in_a_window_are_those_of_the_fullest_file():
    full = record(1000, [[k, k + 1] for k in range(25)])
    short = record(50, [[k, k + 1] for k in range(7)])
    assert objects_in_window(dataset(full, None, short), GRID, (100,)) == 7
    assert objects_in_window(dataset(full), GRID, (100,)) == 3
    assert objects_in_window(dataset(None), GRID, (100,)) == 0


def test_a_file_is_read_once_while_it_is_held():
    read = []

    def read_image(record):
        read.append(record.image_id)
        return torch.full((1, 100), float(record.image_id))

    remembered = Remembering(read_image, most_bytes=800)
    files = [record(100, image_id=k) for k in range(3)]
    for k in (0, 1, 0, 2, 0, 1):  # 400 bytes each: two are held
        assert float(remembered(files[k])[0, 0]) == k
    assert read == [0, 1, 2, 1]
    alone = Remembering(read_image, most_bytes=10)  # the one that is asked for is always held
    assert float(alone(files[0])[0, 0]) == float(alone(files[0])[0, 0]) == 0
    assert read == [0, 1, 2, 1, 0]
