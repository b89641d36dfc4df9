"""Holding out a part of the data: whole groups, every class, the same each time."""

import hypothesis.strategies as st
import numpy as np
from hypothesis import given

from maskrcnn.data.split import Label, hold_out, split_labels, subset
from maskrcnn.modalities.open import open_dataset
from tiny import write_coco


def label(group: str, *counts: int) -> Label:
    return Label(group, np.array(counts))


labels = st.lists(
    st.builds(lambda g, a, b: label(f"g{g}", a, b), st.integers(0, 20), st.integers(0, 3), st.integers(0, 3)),
    min_size=1,
    max_size=60,
)


@given(labels, st.integers(0, 30))
def test_each_image_is_on_one_side_and_each_group_too(images, count):
    train, val = hold_out(images, count)
    assert sorted(train + val) == list(range(len(images)))
    assert not {images[i].group for i in train} & {images[i].group for i in val}
    assert len(val) <= count and train


@given(labels, st.integers(1, 30))
def test_no_class_loses_its_last_group(images, count):
    train, _ = hold_out(images, count)
    for k in range(2):
        if any(image.counts[k] for image in images):
            assert any(images[i].counts[k] for i in train)


def test_the_split_is_the_same_each_time_and_does_not_depend_on_the_order_of_files():
    images = [label(f"g{k}", k % 2, (k + 1) % 2) for k in range(40)]
    first = {images[i].group for i in hold_out(images, 8)[1]}
    backwards = images[::-1]
    assert {backwards[i].group for i in hold_out(backwards, 8)[1]} == first


def test_a_rare_class_is_judged_on_too():
    images = [label(f"g{k}", 1, int(k < 5)) for k in range(100)]
    _, val = hold_out(images, 15)
    assert len(val) == 15
    assert 1 <= sum(images[i].counts[1] for i in val) <= 2


def test_a_subset_is_a_data_set(tmp_path):
    data = open_dataset(write_coco(tmp_path, count=6))
    part = subset(data, [4, 1])
    assert [r.file_name for r in part] == ["4.png", "1.png"]
    assert len(part) == 2 and part[0].file_name == "4.png" and part.max_objects() == 1
    assert part.read_image(part[0]).shape == (3, 48, 64)
    assert [label.counts.tolist() for label in split_labels(part)] == [[1, 0], [0, 1]]
