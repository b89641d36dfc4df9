"""Several threads share one predictor, each with options of its own: every one gets what it gets alone."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import FrozenInstanceError

import numpy as np
import pytest
import torch

from maskrcnn.errors import UsageError
from maskrcnn.inference.options import PredictOptions
from maskrcnn.inference.predictor import Predictor
from maskrcnn.jobs.models import EXAMPLES
from maskrcnn.modalities.images.read.pictures import read_image
from maskrcnn.pretrained import model_path
from tiny import noise, tiny_info, tiny_model

THREADS, ROUNDS = 4, 2


def part_of_photo(folder, name, height, width):
    return read_image(EXAMPLES / folder / name)[:, :height, :width]


def beats(seconds=12, rate=250):
    """Two leads of something that beats, float32 ``[2, T]``."""
    time = np.arange(seconds * rate) / rate
    beat = np.exp(-(((time % 0.8) - 0.3) ** 2) / 0.0004) + 0.2 * np.exp(-(((time % 0.8) - 0.6) ** 2) / 0.003)
    drift = 0.1 * np.sin(time)
    return torch.from_numpy(np.stack([beat + drift, 0.7 * beat - drift])).float()


CASES = {
    "people": (
        lambda: (part_of_photo("photos", "astronaut.jpg", 300, 300), None),
        [
            PredictOptions(image_size=224),
            PredictOptions(score=0.1, flip=True, image_size=224),
            PredictOptions(image_size=160),
            PredictOptions(max_detections=1, image_size=224),
        ],
    ),
    "ecg": (
        lambda: (beats(), (1 / 250,)),
        [
            PredictOptions(),
            PredictOptions(score=0.05),
            PredictOptions(score=0.8, tile="off"),
            PredictOptions(classes=("QRS",)),
        ],
    ),
    "nuclei": (
        lambda: (part_of_photo("nuclei", "cells.jpg", 120, 200), None),
        [
            PredictOptions(tile=128, image_size=224),
            PredictOptions(tile=96, flip=True, score=0.2, image_size=160),
            PredictOptions(tile="off", flip=True, image_size=224),
            PredictOptions(score=0.0001, max_detections=20, image_size=224),
        ],
    ),
}


def assert_same(a, b, exactly):
    if exactly:
        assert torch.equal(a.boxes, b.boxes) and torch.equal(a.scores, b.scores) and torch.equal(a.labels, b.labels)
        assert all(np.array_equal(*pair) for pair in zip(a.regions.runs, b.regions.runs))
        return
    torch.testing.assert_close(a.boxes, b.boxes, atol=1e-5 * max(1.0, float(a.boxes.abs().max())), rtol=0)
    torch.testing.assert_close(a.scores, b.scores, atol=1e-5, rtol=0)


@pytest.fixture
def torch_threads(request):
    before = torch.get_num_threads()
    torch.set_num_threads(request.param)
    yield request.param
    torch.set_num_threads(before)


# Several torch threads in each of several threads wait for each other for long, so the smallest model stands for all.
@pytest.mark.parametrize(
    "name, torch_threads", [("people", 1), ("ecg", 1), ("nuclei", 1), ("ecg", 2)], indirect=["torch_threads"]
)
def test_a_shared_predictor_gives_every_thread_its_own(name, torch_threads):
    make, options = CASES[name]
    image, spacing = make()
    predictor = Predictor.load(model_path(name))
    alone = [predictor(image, spacing, own) for own in options]
    assert len({len(found) for found in alone}) > 1 and max(map(len, alone)) > 1  # the options do make a difference

    def hammer(k):
        return [predictor(image, spacing, options[k]) for _ in range(ROUNDS)]

    with ThreadPoolExecutor(THREADS) as pool:
        for expected, seen in zip(alone, pool.map(hammer, range(THREADS))):
            for found in seen:
                assert_same(found, expected, exactly=torch_threads == 1)
    assert_same(predictor(image, spacing, options[0]), alone[0], exactly=torch_threads == 1)


def test_nothing_about_a_predictor_can_be_changed():
    model = tiny_model()
    predictor = Predictor(model, tiny_info(model))
    for name in ("model", "options", "device", "info"):
        with pytest.raises(FrozenInstanceError):
            setattr(predictor, name, None)
    for name in ("settings", "preprocess", "tiling", "flip", "detection"):
        with pytest.raises(AttributeError):
            setattr(predictor, name, None)
    with pytest.raises(FrozenInstanceError):
        predictor.options.score = 0.1


def test_options_of_a_call_stand_in_for_those_of_the_predictor():
    model, image = tiny_model(), torch.from_numpy(noise()).permute(2, 0, 1)
    predictor = Predictor(model, tiny_info(model), options=PredictOptions(score=0.6))
    assert len(predictor(image)) < len(predictor(image, options=PredictOptions(score=0.0)))
    assert predictor.with_options(max_detections=2).options == PredictOptions(score=0.6, max_detections=2)
    assert set(predictor(image, options=PredictOptions(score=0.0, classes=("brick",))).labels.tolist()) == {2}


def test_options_that_do_not_fit_are_refused_before_anything_is_looked_at():
    model, image = tiny_model(), torch.from_numpy(noise()).permute(2, 0, 1)
    predictor = Predictor(model, tiny_info(model))
    with pytest.raises(UsageError, match="does not know disk; did you mean disc. Its classes are disc, brick"):
        predictor(image, options=PredictOptions(classes=("disk",)))
    with pytest.raises(UsageError, match="tile"):
        predictor.with_options(tile="many")
