"""A predictor of a model with a grid of its own: positions in the file, whatever its rate and length."""

import dataclasses

import numpy as np
import pytest
import torch
from torch import nn

from maskrcnn.config import SelectionConfig
from maskrcnn.data.transforms.regrid import regrid
from maskrcnn.data.transforms.resample import resample
from maskrcnn.evaluation.evaluate import evaluate
from maskrcnn.inference.predictor import Predictor
from maskrcnn.modalities.open import open_dataset
from maskrcnn.ops.boxes import pairwise_iou
from maskrcnn.structures import Instances
from tiny_signals import STEP, bumps, tiny_signal_config, tiny_signal_info, tiny_signal_model, write_one_series


def predictor(ndim=1, model=None, **preprocess):
    config = tiny_signal_config(ndim)
    changed = dataclasses.replace(config.preprocess, **preprocess)
    model = model or tiny_signal_model(ndim=ndim, preprocess=changed)
    return Predictor(model, tiny_signal_info(model))


def smooth(length=80, seed=0, channels=1):
    """A signal without anything near its Nyquist frequency, ``[C, T]``."""
    coarse = torch.randn(channels, length // 4 + 8, generator=torch.Generator().manual_seed(seed))
    return resample(coarse, 1, 4)[:, 16 : 16 + length]


class Parrot(nn.Module):
    """Finds an object of class 1 over each stretch of its input above ``level``, masks all of it; D = 1."""

    def __init__(self, level=0.5, **preprocess):
        super().__init__()
        config = tiny_signal_config()
        self.config = dataclasses.replace(config, preprocess=dataclasses.replace(config.preprocess, **preprocess))
        self.level, self.seen, self.heads = level, [], tiny_signal_model().heads

    def forward(self, images, detection):
        self.seen.append(tuple(images.tensor.shape))
        return [self.find(x[0, : shape[0]]) for x, shape in zip(images.tensor, images.spatial_shapes)]

    def find(self, x):
        edges = torch.diff((x > self.level).int(), prepend=torch.zeros(1), append=torch.zeros(1))
        boxes = torch.stack([(edges > 0).nonzero()[:, 0], (edges < 0).nonzero()[:, 0]], 1).float()
        count = len(boxes)
        scores = torch.full((count,), 0.9)
        return Instances(boxes, torch.ones(count, dtype=torch.long), scores, torch.full((count, 8), 20.0))


def block(length, low, high, channels=1):
    image = torch.zeros(channels, length)
    image[:, low:high] = 1
    return image


def found_by_parrot(image, spacing, **preprocess):
    parrot = Parrot(standardise=False, **preprocess)
    found = Predictor(parrot, tiny_signal_info(parrot))(image, spacing)
    return found, parrot


def test_objects_lie_where_they_are_in_the_file():
    for factor in (1, 2, 4, 0.5):  # of the model's rate
        low, high, length = (int(k * 4 * factor) for k in (5, 9, 16))
        found, parrot = found_by_parrot(block(length, low, high), (STEP / factor,))
        assert parrot.seen == [(1, 1, 64)]
        assert (found.boxes - torch.tensor([[low, high]])).abs().max() <= 1 / factor + 0.5
        covered = np.flatnonzero(found.regions.mask(0))
        assert abs(covered.min() - low) <= 1 + factor and abs(covered.max() + 1 - high) <= 1 + factor


def test_a_file_that_says_no_rate_has_the_model_s():
    found, parrot = found_by_parrot(block(64, 20, 36), None)
    assert parrot.seen == [(1, 1, 64)] and found.boxes.tolist() == [[20, 36]]


@pytest.mark.parametrize("standardise", [False, True])
def test_the_same_signal_at_twice_the_rate_gives_the_same_objects_at_twice_the_positions(standardise):
    own = predictor(standardise=standardise)
    signal = smooth()
    slow = own(signal, (STEP,))
    fast = own(resample(signal, 1, 2), (STEP / 2,))
    assert len(slow) > 5
    strong = slow.scores > 0.6  # where nothing hangs on a rounding
    matched = 0
    for box, label in zip(slow.boxes[strong] * 2, slow.labels[strong]):
        distance = (fast.boxes - box).abs().amax(1) + 1000.0 * (fast.labels != label)
        matched += bool(distance.min() < 2.5)
    assert matched >= 0.7 * int(strong.sum())
    assert fast.regions.spatial_shape == (160,)


def test_a_long_signal_is_cut_into_windows_of_the_model():
    length, factor = 400, 2
    image = torch.zeros(1, length * factor)
    stretches = [(20, 40), (100, 130), (166, 192), (300, 310), (396, 400)]
    for low, high in stretches:
        image[0, low * factor : high * factor] = 1
    found, parrot = found_by_parrot(image, (STEP / factor,))
    assert len(parrot.seen) > 1 and {shape[1:] for shape in parrot.seen} == {(1, 64)}
    boxes = sorted(found.boxes.tolist())
    assert len(boxes) == len(stretches)
    for box, (low, high) in zip(boxes, stretches):
        assert abs(box[0] - low * factor) <= 2 * factor and abs(box[1] - high * factor) <= 2 * factor
    assert found.regions.areas().sum() == pytest.approx(sum(b - a for a, b in stretches) * factor, abs=4 * factor)


def test_a_window_is_as_long_as_the_model_learned_and_short_files_are_seen_whole():
    assert found_by_parrot(block(96, 20, 30), (STEP,))[1].seen == [(1, 1, 96)]  # up to 1.5 windows
    assert found_by_parrot(block(97, 20, 30), (STEP,))[1].seen == [(2, 1, 64)]
    assert found_by_parrot(block(190, 20, 30), (STEP / 2,))[1].seen == [(1, 1, 96)]
    parrot = Parrot(standardise=False)
    whole = Predictor(parrot, tiny_signal_info(parrot))
    whole = whole.with_options(tile="off")
    whole(block(400, 20, 30), (STEP,))
    assert parrot.seen == [(1, 1, 400)]


def test_long_and_whole_agree_on_what_is_found():
    """Bumps far from the seams of a real network's windows: most objects are the same, tiled or whole."""
    samples, _ = bumps(500)
    own = predictor(model=tiny_signal_model(selection=SelectionConfig(pre_nms=1000, post_nms=500)))
    tiled = own(torch.from_numpy(samples).float()[None], (STEP,))
    own = own.with_options(tile="off", max_detections=200)
    whole = own(torch.from_numpy(samples).float()[None], (STEP,))
    assert len(tiled) > 20 and len(whole) > 20
    strong = whole.boxes[whole.scores > 0.6]
    assert len(strong) > 10
    assert sum(bool((pairwise_iou(box[None], tiled.boxes) > 0.5).any()) for box in strong) > 0.6 * len(strong)
    assert tiled.regions.spatial_shape == whole.regions.spatial_shape == (500,)
    assert tiled.boxes.min() >= 0 and tiled.boxes.max() <= 500
    assert tiled.boxes[:, 0].max() > 400 and tiled.boxes[:, 1].min() < 100  # from end to end


def test_values_of_a_window_are_those_of_the_whole_file():
    """Standardised once: a quiet window stays quiet."""
    image = 0.001 * torch.randn(1, 400, generator=torch.Generator().manual_seed(0))
    image[0, 10:30] += 5
    parrot = Parrot(level=1.0)
    found = Predictor(parrot, tiny_signal_info(parrot))(image, (STEP,))
    assert len(found) == 1 and (found.boxes - torch.tensor([[10.0, 30]])).abs().max() < 2


def test_a_file_never_depends_on_its_neighbours():
    own = predictor()
    images = [smooth(80, 1), smooth(50, 2), smooth(80, 3), smooth(300, 4)]
    spacings = [(STEP,), (STEP,), (STEP / 2,), (STEP,)]
    together = own.predict(images, spacings)
    for image, spacing, found in zip(images, spacings, together):
        alone = own(image, spacing)
        torch.testing.assert_close(found.boxes, alone.boxes, rtol=1e-4, atol=1e-2)
        assert found.regions.spatial_shape == (image.shape[1],)
    assert own.predict([]) == []


def test_each_channel_is_seen_by_itself_and_all_are_made_one():
    image = torch.cat([block(64, 10, 30), block(64, 12, 32), block(64, 11, 31)])
    parrot = Parrot(standardise=False, each_channel=True)
    own = Predictor(parrot, tiny_signal_info(parrot))
    fused, leads = own.predict_leads([image], [(STEP,)])[0]
    assert [lead.boxes.tolist() for lead in leads] == [[[10, 30]], [[12, 32]], [[11, 31]]]
    assert fused.boxes.tolist() == [[11, 31]] and fused.regions.areas().tolist() == [20]
    assert {shape[1] for shape in parrot.seen} == {1}
    assert own.predict([image], [(STEP,)])[0].boxes.tolist() == [[11, 31]]
    together = Parrot(standardise=False)  # all channels at once
    assert Predictor(together, tiny_signal_info(together)).predict_leads([image[:1]], [(STEP,)])[0][1] == []


def test_channels_are_searched_below_the_threshold_and_nothing_stays_changed():
    seen = []

    class Listening(Parrot):
        def forward(self, images, detection):
            seen.append(detection.score_threshold)
            return super().forward(images, detection)

    parrot = Listening(standardise=False, each_channel=True)
    own = Predictor(parrot, tiny_signal_info(parrot))
    own = own.with_options(score=0.6)
    own(torch.cat([block(64, 10, 30)] * 2), (STEP,))
    own(block(64, 10, 30), (STEP,))
    assert seen == [0.3, 0.6] and own.detection.score_threshold == 0.6
    assert len(own(torch.cat([block(64, 10, 30), *[block(64, 0, 0)] * 3]), (STEP,))) == 0  # 0.45 of 0.6


def test_volumes_come_back_on_the_grid_of_their_file():
    own = predictor(3)
    own = own.with_options(score=0.0)
    coarse = torch.randn(1, 6, 8, 7, generator=torch.Generator().manual_seed(0))
    fine = regrid(coarse, (48, 32, 28), own.preprocess)  # nothing in it is lost at half the samples along z
    found = own(fine, (STEP,) * 3)
    assert len(found) > 5 and found.boxes.shape[1] == 6
    assert found.regions.spatial_shape == (48, 32, 28)
    assert (found.boxes >= 0).all() and (found.boxes <= torch.tensor([28, 32, 48] * 2)).all()
    flat = own(regrid(fine, (24, 32, 28), own.preprocess), (STEP, STEP, 2 * STEP))
    assert flat.regions.spatial_shape == (24, 32, 28)
    overlaps = pairwise_iou(found.boxes[:6], flat.boxes * torch.tensor([1, 1, 2, 1, 1, 2.0]))
    assert (overlaps.amax(1) > 0.7).sum() >= 4


def test_evaluation_looks_at_files_on_the_model_s_grid(tmp_path):
    for k, factor in enumerate((1, 2, 4)):
        write_one_series(tmp_path / f"{k}.npz", block(64 * factor, 20 * factor, 36 * factor)[0].numpy(), factor / STEP)
        (tmp_path / f"{k}.intervals.csv").write_text("start,end,label\n0.2,0.36,high\n")
    parrot = Parrot(standardise=False)
    result, failures = evaluate(Predictor(parrot, tiny_signal_info(parrot)), open_dataset(tmp_path))
    assert parrot.seen == [(3, 1, 64)] and failures == []
    assert result.metrics["box/AP50"] == result.metrics["mask/AP50"] == result.metrics["intervals/found"] == 1
