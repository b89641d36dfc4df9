"""labels.jpg and training-images.jpg of a training."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from maskrcnn.drawing.label_chart import BINS, draw_label_chart, place_of, shortened, size_counts, size_range, ticks
from maskrcnn.drawing.page import font_of
from maskrcnn.jobs.results.label_sizes import sizes_by_class, write_label_sizes
from maskrcnn.jobs.results.training_files import wrapped
from maskrcnn.modalities.open import open_dataset
from maskrcnn.structures import Record
from tiny import write_coco


@pytest.mark.parametrize("ndim", [1, 2, 3])
def test_objects_are_measured_one_by_one(ndim):
    generator = np.random.default_rng(ndim)
    low = generator.uniform(0, 20, (30, ndim))
    boxes = np.concatenate([low, low + generator.uniform(1, 30, (30, ndim))], axis=1).astype(np.float32)
    labels, crowd = generator.choice([-1, 1, 3], 30), generator.random(30) < 0.2
    record = Record("file", 1, "file", (64,) * ndim, boxes, labels, crowd=crowd)
    expected = {"a": [], "b": [], "c": []}
    for box, label, many in zip(boxes.astype(float), labels, crowd):
        if label > 0 and not many:
            product = 1.0
            for axis in range(ndim):
                product *= box[ndim + axis] - box[axis]
            expected["abc"[label - 1]].append(product ** (1 / ndim))
    measured = sizes_by_class([record], ("a", "b", "c"))
    assert {name: list(lengths) for name, lengths in measured.items()} == pytest.approx(
        {name: pytest.approx(lengths) for name, lengths in expected.items()}
    )


@settings(deadline=None, max_examples=60)
@given(st.lists(st.floats(0.01, 1e6), min_size=1, max_size=50))
def test_every_size_is_on_the_axis_once(lengths):
    low, high = size_range([np.array(lengths)])
    assert low <= min(lengths) and max(lengths) <= high and high >= 4 * low
    marks = ticks(low, high)
    assert len(marks) <= 13 and marks[0] == low and all(low <= mark <= high for mark in marks)
    counts = size_counts(np.array(lengths), low, high)
    assert counts.sum() == len(lengths)
    for k in np.flatnonzero(counts):  # each part holds the sizes whose places are in it
        near = [length for length in lengths if k - 1e-6 <= place_of(length, low, high) * BINS <= k + 1 + 1e-6]
        assert len(near) >= counts[k]


def test_the_most_frequent_class_comes_first_and_classes_without_objects_are_there():
    sizes = {"rare": np.array([3.0]), "never": np.zeros(0), "often": np.geomspace(2, 200, 90)}
    picture = np.asarray(draw_label_chart(sizes, "91 objects", "px"), dtype=int)
    assert picture.shape == np.asarray(draw_label_chart(dict(reversed(sizes.items())), "91 objects", "px")).shape
    vivid = np.ptp(picture, axis=2) > 90  # the bars
    rows = np.flatnonzero(vivid.any(axis=1))
    half = (rows.min() + rows.max()) // 2
    assert vivid[: half + 1].sum() > 5 * vivid[half + 1 :].sum() > 0
    assert draw_label_chart(sizes | {str(k): np.ones(1) for k in range(40)}, "", "px").height < 1600


def test_long_words_are_cut_or_wrapped():
    font = font_of(15)
    assert shortened("cat", font, 100) == "cat"
    cut = shortened("a very long name of a class indeed", font, 100)
    assert cut.endswith("…") and font.getlength(cut) <= 100
    words = "What it finds in training images, and what others show"
    assert " ".join(wrapped(words, 120)) == words and len(wrapped(words, 120)) > 2 and wrapped("", 9) == []


def test_a_training_of_few_images_leaves_its_labels_and_what_it_finds_in_them(maskrcnn, tiny_file, tmp_path):
    data = write_coco(tmp_path / "data", count=3)
    flags = ("--model", tiny_file, "--plan", "off", "--epochs", 1, "--batch", 2, "--workers", 0)
    done = maskrcnn("train", data, "--out", tmp_path / "out", *flags)
    assert done.code == 0
    with Image.open(tmp_path / "out" / "labels.jpg") as picture:
        assert picture.width > 900 and np.ptp(np.asarray(picture).astype(int), axis=2).max() > 90
    with Image.open(tmp_path / "out" / "training-images.jpg") as picture:
        assert picture.width > 400 and np.asarray(picture).std() > 5
        assert np.asarray(picture)[:20].min() < 90  # it says that these are training images
    assert "its own training images" in done.err


def test_what_was_found_in_training_images_is_no_matter_where_there_are_many_to_judge_on(maskrcnn, tiny_file, tmp_path):
    data, val = write_coco(tmp_path / "data", count=9), write_coco(tmp_path / "val", count=2)
    flags = ("--model", tiny_file, "--plan", "off", "--epochs", 1, "--batch", 3, "--workers", 0)
    assert maskrcnn("train", data, "--val", val, "--out", tmp_path / "out", *flags).code == 0
    assert not (tmp_path / "out" / "training-images.jpg").exists()


def test_data_without_objects_have_no_picture_of_them(tmp_path):
    data = open_dataset(write_coco(tmp_path / "data", count=1, annotations=[]))
    assert not write_label_sizes(tmp_path, data) and not (tmp_path / "labels.jpg").exists()
