"""Workers that walk over a large data set do not copy it."""

import os
import sys
from pathlib import Path

import numpy as np
import pytest

from maskrcnn.data.flat_records import FlatRecords, PackedBytes
from maskrcnn.regions import Regions
from maskrcnn.structures import Record

IMAGES, OBJECTS = 20_000, 20
BOUND = 4.0  # MB that a worker may copy of a data set of about 20 MB


def record(k):
    return Record(
        source=f"/data/images/{k:012}.jpg",
        image_id=k,
        file_name=f"{k:012}.jpg",
        spatial_shape=(40, 60),
        boxes=np.full((OBJECTS, 4), k, dtype=np.float32),
        labels=np.full(OBJECTS, k, dtype=np.int64),
        crowd=np.zeros(OBJECTS, dtype=bool),
        areas=np.full(OBJECTS, k, dtype=np.float64),
        exhaustive=frozenset({1, k}) if k % 2 else None,
    )


def count_masks(masks, spatial_shape):
    return Regions.blank(spatial_shape, len(masks))


def private_megabytes():
    """Memory that this process alone has."""
    lines = Path("/proc/self/smaps_rollup").read_text().splitlines()
    return sum(int(line.split()[1]) for line in lines if line.startswith("Private_")) / 1024


def growth_in_a_child(walk):
    """MB that a forked process gains by ``walk()``."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        before = private_megabytes()
        walk()
        os.write(writing, str(private_megabytes() - before).encode())
        os._exit(0)
    os.close(writing)
    os.waitpid(child, 0)
    with os.fdopen(reading) as answer:
        return float(answer.read())


@pytest.mark.skipif(sys.platform != "linux", reason="counts memory as Linux does")
def test_a_worker_that_walks_over_all_records_copies_next_to_nothing():
    records = [record(k) for k in range(IMAGES)]
    masks = [[b"%d and more" % k for _ in range(OBJECTS)] for k in range(IMAGES)]
    flat = FlatRecords.pack(records, (mask for own in masks for mask in own), count_masks)
    walked = []

    def walk():
        for source in flat:
            assert len(source.record()) == OBJECTS

    def walk_objects():
        for one, own in zip(records, masks):
            walked[:] = [one, *own]

    assert growth_in_a_child(walk_objects) > 2 * BOUND  # what the bound is there to catch
    del records[:], masks[:]
    assert growth_in_a_child(walk) < BOUND


def test_each_record_comes_back():
    records = [record(k) for k in range(5)]
    records[2].boxes, records[2].labels = np.zeros((0, 4), np.float32), np.zeros(0, np.int64)
    records[2].crowd, records[2].areas = np.zeros(0, bool), np.zeros(0)
    records[3].crowd[:4] = True
    seen = []
    masks = [bytes([k]) * k for k in range(4 * OBJECTS)]
    flat = FlatRecords.pack(records, masks, lambda own, shape: seen.extend(own) or count_masks(own, shape))
    assert len(flat) == 5
    assert [source.num_objects() for source in flat] == [OBJECTS, OBJECTS, 0, OBJECTS - 4, OBJECTS]
    for source, own in zip(flat, records):
        back = source.record()
        for name in ("source", "image_id", "file_name", "spatial_shape", "exhaustive", "keypoints"):
            assert getattr(back, name) == getattr(own, name)
        for name in ("boxes", "labels", "crowd", "areas"):
            assert np.array_equal(getattr(back, name), getattr(own, name))
            assert getattr(back, name).dtype == getattr(own, name).dtype
        assert len(back.regions) == len(own)
    assert seen == masks
    assert [source.index for source in flat[1:4]] == [1, 2, 3]
    assert flat[-1].index == 4


def test_bytes_are_packed():
    strings = [b"", b"a", b"\x00\xff", b"", b"last"]
    packed = PackedBytes.pack(iter(strings))
    assert len(packed) == 5
    assert [packed[i] for i in range(5)] == strings
    assert len(PackedBytes.pack([])) == 0
