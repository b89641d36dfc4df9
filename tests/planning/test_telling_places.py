"""Places that tell labels of whole files apart are found, and a head begins with them."""

import numpy as np
import pytest
import torch

from cases import NDIMS, small_model
from maskrcnn.config import WholeHeadConfig
from maskrcnn.evaluation.whole import auc
from maskrcnn.model_info import ModelInfo
from maskrcnn.models.head import heads_of
from maskrcnn.planning.starting.telling_places import _begin, begin_with_places, telling, whitened
from maskrcnn.structures import Record


def files(seed, count=40, places=30, channels=6):
    """Noise; every other file has one place at which the first channel is high."""
    random = np.random.default_rng(seed)
    rows = [torch.from_numpy(random.normal(size=(places, channels))).float() for _ in range(count)]
    there = np.arange(count) % 2 == 1
    for own in np.flatnonzero(there):
        rows[own][random.integers(places)] = torch.eye(channels)[0] * 8
    return rows, there


@pytest.mark.parametrize("seed", range(3))
def test_the_one_place_that_decides_is_the_first_example(seed):
    rows, there = files(seed)
    found = telling(rows, there, 3)
    assert found.directions[0].argmax() == 0 and found.aucs[0] > 0.95 and list(found.aucs) == sorted(found.aucs)[::-1]
    likest = np.array([float((own @ found.directions[0]).max() + found.offsets[0]) for own in rows])
    assert likest[there].mean() == pytest.approx(1, abs=0.1) and likest[~there].mean() > 0
    assert auc(likest, there) > 0.95


def test_an_examples_own_file_does_not_count_for_it():
    places = [torch.eye(8)[k][None] * 5 for k in range(8)]  # each file's place is like itself alone
    found = telling(places, np.arange(8) < 4, 4)
    assert max(found.aucs) <= 0.5 + 1e-9


@pytest.mark.parametrize("there", [[True] * 4, [True, False, False, False]])
def test_labels_that_nothing_tells_have_no_examples(there):
    assert telling([torch.ones(2, 3)] * 4, np.array(there), 2) is None


def test_whitened_rows_have_unit_covariance():
    rows = torch.randn(500, 5, generator=torch.Generator().manual_seed(0)) @ torch.diag(torch.arange(1.0, 6)) + 3
    center, matrix = whitened(rows)
    torch.testing.assert_close(torch.cov(((rows - center) @ matrix).T), torch.eye(5), atol=1e-3, rtol=0)


def model(ndim, kind="labels"):
    return small_model(ndim, num_classes=1, finds_objects=False, whole_head=WholeHeadConfig(kind=kind, stride=1)).eval()


@NDIMS
def test_a_channel_of_the_head_says_how_like_its_example_a_place_is(ndim):
    head = heads_of(model(ndim))["whole"]
    shapes = [(8,) * ndim, (4,) * ndim, (2,) * ndim, (1,) * ndim, (1,) * ndim]
    channels = head.laterals[0].in_channels
    features = [torch.ones(1, channels, *shape) * (k + 1) for k, shape in enumerate(shapes[: max(head.levels) + 1])]
    row = torch.cat([features[k][0].flatten(1)[:, 0] for k in head.levels])
    center, matrix = torch.randn(len(row)), torch.randn(len(row), 4) / len(row)
    rows, there = files(0, channels=4)
    examples = telling(rows, there, 3)
    _begin(head, 0, 2, examples, center, matrix)
    expected = ((row - center) @ matrix @ examples.directions.T + examples.offsets).clamp(min=0)
    hidden = head.hidden(features)[0].flatten(1)[2 : 2 + len(expected)]
    torch.testing.assert_close(hidden, expected[:, None].expand_as(hidden), atol=1e-4, rtol=1e-3)


class Made:
    """Pictures of one channel of noise; every other one is bright at one place."""

    def __init__(self, count, shape):
        self.shape, self.count = shape, count

    def __len__(self):
        return self.count

    def __getitem__(self, index):
        label = np.array([index % 2], dtype=np.float32)
        none = np.zeros((0, 2 * len(self.shape)), np.float32), np.zeros(0, np.int64)
        return Record(str(index), index, str(index), self.shape, *none, file_labels=label)

    def read_image(self, record):
        random = np.random.default_rng(record.image_id)
        image = torch.from_numpy(random.uniform(0, 1, (1, *self.shape))).float()
        if record.image_id % 2:
            at = tuple(slice(int(a), int(a) + 8) for a in random.integers(0, np.array(self.shape) - 7))
            image[(0, *at)] = 5
        return image


def test_a_model_begins_by_telling_files_apart_and_numbers_begin_as_before():
    torch.manual_seed(0)
    network, data = model(2), Made(16, (24, 24))
    aucs = begin_with_places(network, ModelInfo(network.config, ("bright",)), data)
    assert len(aucs) == 1 and aucs[0] > 0.8
    other = model(2, "number")
    before = {name: value.clone() for name, value in other.state_dict().items()}
    assert begin_with_places(other, ModelInfo(other.config, ("bright",)), data) == []
    assert all(torch.equal(value, before[name]) for name, value in other.state_dict().items())
