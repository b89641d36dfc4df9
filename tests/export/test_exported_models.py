"""An exported file finds what its model finds, in any number of dimensions and with every head."""

import dataclasses
import itertools
import json
import zipfile

import numpy as np
import pytest
import torch

import naive
from cases import NDIMS, SHAPES, inner_boxes, seeded
from exported import exported
from maskrcnn.config import PoolConfig
from maskrcnn.errors import CheckpointError
from maskrcnn.export.archive import read_archive, write_archive
from maskrcnn.export.folding import folded
from maskrcnn.export.pooling import LevelPool, by_level, gather_align
from maskrcnn.export.proof import differences
from maskrcnn.export.session_model import session_model
from maskrcnn.inference.predictor import Predictor
from maskrcnn.models.pooling import PyramidPool
from maskrcnn.structures import Instances
from tiny import noise, tiny_model

pytest.importorskip("onnxruntime")
BINS = {1: (5,), 2: (4, 3), 3: (2, 3, 2)}
STRIDES = (2.0, 4.0)


@pytest.fixture
def file_of(tmp_path_factory):
    return lambda name: exported(name, tmp_path_factory.getbasetemp())


def both(files):
    """The model and its file, as predictors that keep all that scores."""
    archive = read_archive(files[1])
    return Predictor.load(files[0]).with_options(score=0.05), Predictor(
        session_model(archive), archive.info
    ).with_options(score=0.05)


def agree(one: Instances, other: Instances):
    assert len(one) == len(other) > 0
    torch.testing.assert_close(one.boxes, other.boxes, rtol=0, atol=2e-2)
    torch.testing.assert_close(one.scores, other.scores, rtol=0, atol=1e-3)
    assert one.labels.tolist() == other.labels.tolist()
    assert (one.regions is None) == (other.regions is None)
    if one.regions is not None:
        assert np.abs(one.regions.areas() - other.regions.areas()).max() <= 2 + 0.01 * one.regions.areas().max()
    if one.keypoints is not None:
        torch.testing.assert_close(one.keypoints, other.keypoints, rtol=0, atol=5e-2)


@pytest.mark.parametrize("shape", [(48, 64), (64, 40), (130, 20)])
@pytest.mark.parametrize("name", ["images", "classes"])
def test_pictures_of_any_shape(file_of, name, shape):
    model, file = both(file_of(name))
    image = torch.from_numpy(noise(*shape)).permute(2, 0, 1)
    agree(model(image), file(image))


@pytest.mark.parametrize("name, shape", [("signals", (1, 200)), ("volumes", (1, 30, 40, 36))])
def test_signals_and_volumes(file_of, name, shape):
    model, file = both(file_of(name))
    image = torch.randn(shape, generator=seeded())
    agree(model(image), file(image))


def test_the_mirror_and_several_images_at_once(file_of):
    model, file = (predictor.with_options(flip=True) for predictor in both(file_of("images")))
    images = [torch.from_numpy(noise(seed=k)).permute(2, 0, 1) for k in range(2)]
    for one, other in zip(model.predict(images), file.predict(images)):
        agree(one, other)


def test_the_class_of_every_pixel(file_of):
    model, file = both(file_of("classes"))
    image = torch.from_numpy(noise()).permute(2, 0, 1)
    maps = [predictor(image).of_image["semantic"].as_bytes().astype(int) for predictor in (model, file)]
    assert np.abs(maps[0] - maps[1]).max() <= 1 and len(np.unique(maps[0])) > 5


def test_the_file_has_no_weights_but_those_of_its_graphs(file_of):
    model = session_model(read_archive(file_of("images")[1]))
    assert sum(parameter.numel() for parameter in model.parameters()) == 0
    with pytest.raises((AttributeError, TypeError)):
        model.heads["mask"].convs[0](torch.zeros(1, 8, 4, 4))


@NDIMS
@pytest.mark.parametrize("aligned", [True, False])
def test_pooling_of_gather_and_matmul_is_the_slow_one(ndim, aligned):
    level = torch.randn(1, 3, *(n // 2 for n in SHAPES[ndim]), generator=seeded())
    boxes = inner_boxes(4, SHAPES[ndim])
    boxes[0, ndim:] = boxes[0, :ndim] + 0.3
    pooled = gather_align(level, boxes / 2, BINS[ndim], 2, aligned)
    for own, box in zip(pooled, boxes.tolist()):
        expected = naive.roi_align(level[0].numpy(), box, (2.0,) * ndim, BINS[ndim], 2, aligned)
        np.testing.assert_allclose(own.numpy(), expected, atol=1e-4)


@NDIMS
def test_boxes_by_level_come_back_in_their_order(ndim):
    config = PoolConfig(3, aligned=True, canonical_size=16.0)
    pool = PyramidPool(config, [(2,) * ndim, (4,) * ndim, (8,) * ndim])
    levels = [torch.randn(1, 2, *(n // s for n in SHAPES[ndim]), generator=seeded(s)) for s in (2, 4)]
    boxes = inner_boxes(7, SHAPES[ndim])
    some, place = by_level(pool, boxes)
    assert len(some) == 2 and sum(map(len, some)) == 7
    own = LevelPool(pool)
    own.output_size = own.output_size
    read = torch.cat(
        [gather_align(level, b / s, own.output_size, 2, True) for level, b, s in zip(levels, some, STRIDES)]
    )
    torch.testing.assert_close(read[place], pool(levels, [boxes]), rtol=1e-4, atol=1e-5)


def test_frozen_norms_are_part_of_their_kernels():
    from exported import lively

    model = lively(tiny_model())
    x = torch.randn(1, 3, 64, 96, generator=seeded())
    own, other = model.backbone(x), folded(model).backbone(x)
    for a, b in zip(own, other):
        torch.testing.assert_close(a, b, rtol=1e-3, atol=1e-4)
    assert not any("running_mean" in name for name, _ in folded(model).named_buffers())


def found(boxes, labels, scores):
    return Instances(torch.tensor(boxes, dtype=torch.float32), torch.tensor(labels), torch.tensor(scores))


def test_differences_are_those_of_pairs():
    one = found([[0, 0, 10, 10], [20, 20, 30, 30], [50, 50, 60, 60]], [1, 2, 1], [0.9, 0.8, 0.3])
    other = found([[0, 0, 10, 12], [20, 20, 30, 30]], [1, 1], [0.7, 0.8])
    d = differences([one], [other])
    assert (d.objects, d.alone, d.box, d.mask) == (1, 2, 2.0, None)
    assert d.score == pytest.approx(0.2)


def broken(path, how):
    with zipfile.ZipFile(path) as file:
        entries = {name: file.read(name) for name in file.namelist()}
    entries = how(entries)
    if entries is None:
        path.write_bytes(path.read_bytes()[:-2000])
        return
    with zipfile.ZipFile(path, "w") as file:
        for name, data in entries.items():
            file.writestr(name, data)


def newer(entries):
    index = json.loads(entries["maskrcnn.json"]) | {"format_version": 99}
    return entries | {"maskrcnn.json": json.dumps(index).encode()}


@pytest.mark.parametrize(
    "how, said",
    [
        (lambda entries: None, "damaged"),
        (lambda entries: {"readme.txt": b"hello"}, "no exported model"),
        (lambda entries: {k: v for k, v in entries.items() if k != "box.onnx"}, "box.onnx"),
        (lambda entries: entries | {"maskrcnn.json": b"[]"}, "no exported model"),
        (newer, "newer version"),
    ],
)
def test_a_broken_file_is_a_sentence(file_of, tmp_path, how, said):
    path = tmp_path / "broken.zip"
    path.write_bytes(file_of("signals")[1].read_bytes())
    broken(path, how)
    with pytest.raises(CheckpointError) as error:
        read_archive(path)
    assert str(path) in str(error.value) and said in str(error.value) and "\n" not in str(error.value)


def test_what_was_read_is_written_again(file_of, tmp_path):
    archive = read_archive(file_of("signals")[1])
    write_archive(tmp_path / "again.zip", dataclasses.replace(archive, card="# card"))
    again = read_archive(tmp_path / "again.zip")
    assert again.card == "# card" and dict(again.graphs) == dict(archive.graphs) and again.info == archive.info
    assert list(itertools.chain(again.strides)) == list(archive.strides)
