"""The semantic head: its twin, its options, and a model that has it alone or beside boxes and masks."""

from __future__ import annotations

import dataclasses

import pytest
import torch
import torch.nn.functional as F

import naive
from cases import NDIMS, as_array, seeded, small_config, small_model
from maskrcnn.checkpoints.config_check import check_agreement
from maskrcnn.checkpoints.ours import load_checkpoint, save_checkpoint
from maskrcnn.checkpoints.transfer import transfer
from maskrcnn.config import LossConfig, SemanticHeadConfig, SemanticLossConfig
from maskrcnn.errors import CheckpointError
from maskrcnn.inference.look_size import bytes_a_sample
from maskrcnn.inference.predictor import Predictor
from maskrcnn.losses.objective import Objective
from maskrcnn.models.build import build_model
from maskrcnn.models.heads.semantic import SemanticHead
from maskrcnn.models.variants import signal_fpn_config, volume_fpn_config
from maskrcnn.structures import Instances, batch_images
from tiny import noise, tiny_config, tiny_info

ALONE = {"finds_objects": False, "mask_head": None}


def semantic(ndim, alone=True, **options):
    changes = ALONE if alone else {}
    return small_model(ndim, semantic_head=SemanticHeadConfig((8,), **options), **changes)


def images_of(ndim, count=2, side=24, channels=1):
    return batch_images([torch.randn(channels, *(side - 4 * k,) * ndim, generator=seeded(k)) for k in range(count)], 8)


def targets_of(images, highest=2):
    ndim = images.tensor.ndim - 2
    maps = [
        torch.randint(-1, highest + 1, shape, generator=seeded()).to(torch.int16) for shape in images.spatial_shapes
    ]
    return [Instances(torch.zeros(0, 2 * ndim), class_map=own) for own in maps]


def as_step(step, dilation):
    """A step of the head as a function of arrays ``[C, *S]``: twin of convolution, torch's norm, ReLU."""
    convolution, norm, _ = step

    def run(x):
        out = naive.convolve(x, as_array(convolution.weight), None, dilation)
        return F.relu(norm.double()(torch.from_numpy(out)[None]))[0].detach().numpy()

    return run


@NDIMS
@pytest.mark.parametrize("dilation", [1, 2])
def test_the_branch_is_that_of_the_twin(ndim, dilation):
    config = small_config(ndim, semantic_head=SemanticHeadConfig((4, 3), dilation=dilation))
    config = dataclasses.replace(config, backbone=dataclasses.replace(config.backbone, fpn_channels=2))
    strides = [(2,) * ndim, (4,) * ndim, (8,) * ndim, (16,) * ndim]
    torch.manual_seed(0)
    head = SemanticHead(config, strides, None).eval()
    levels = [torch.randn(1, 2, *(size,) * ndim, generator=seeded(size)) for size in (6, 4, 2)]
    with torch.no_grad():
        fast = head(levels)[0]
    climbs = [[as_step(step, dilation) for step in climb] for climb in head.climbs]
    last = head.logits
    classify = lambda x: naive.convolve(x, as_array(last.weight), as_array(last.bias))  # noqa: E731
    slow = naive.semantic_branch([as_array(level[0]) for level in levels], climbs, classify)
    torch.testing.assert_close(fast.double(), torch.from_numpy(slow), atol=1e-5, rtol=1e-4)


@NDIMS
def test_alone_it_computes_nothing_for_boxes_and_says_of_each_sample_what_it_is(ndim):
    model = semantic(ndim)
    assert not [name for name in model.state_dict() if name.startswith(("rpn.", "heads.box.", "heads.mask."))]
    images = images_of(ndim)
    losses = Objective(model)(images, targets_of(images), [0, 1])
    assert tuple(losses) == ("loss_semantic",) == tuple(Objective(model).names())
    found = model.eval()(images)
    for own, shape in zip(found, images.spatial_shapes):
        labels = own.of_image["semantic"].labels()
        assert len(own) == 0 and labels.shape == shape and 0 <= labels.min() <= labels.max() <= 2


@NDIMS
def test_beside_boxes_and_masks_it_changes_none_of_them(ndim):
    """Same seed, same weights: what is drawn for the other heads is drawn before this one's."""
    with_it, without = semantic(ndim, alone=False).eval(), small_model(ndim).eval()
    images = images_of(ndim)
    for a, b in zip(with_it(images), without(images)):
        torch.testing.assert_close(a.boxes, b.boxes)
        torch.testing.assert_close(a.mask_logits, b.mask_logits)
        assert "semantic" in a.of_image


@NDIMS
def test_without_background_every_sample_is_of_a_class(ndim):
    model = semantic(ndim, background=False).eval()
    labels = model(images_of(ndim))[0].of_image["semantic"].labels()
    assert set(labels.unique().tolist()) <= {1, 2}


@pytest.mark.parametrize("config", [signal_fpn_config(2), volume_fpn_config(2), tiny_config()])
@pytest.mark.parametrize(("separable", "width"), [(False, 0), (True, 0), (True, 3)])
def test_a_finer_skip_tells_classes_at_the_first_resolution(config, separable, width):
    """The body's first stride: 2 in images, 1 in recordings and scans."""
    own = SemanticHeadConfig((8,), finer=4, finer_width=width, separable=separable, deep=True)
    model = build_model(dataclasses.replace(config, semantic_head=own, **ALONE))
    images = images_of(config.ndim, side=32, channels=config.in_channels)
    finest = 4 // model.backbone.strides[0][0]
    logits = model.heads["semantic"](model.backbone(images.tensor))
    step = max(1, model.backbone.strides[0][0] // 2)
    assert logits.shape[2:] == tuple(side // step for side in images.tensor.shape[2:]) and finest >= 1
    losses = Objective(model)(images, targets_of(images), [0, 1])
    assert tuple(losses) == ("loss_semantic", "loss_semantic_deep")
    assert model.heads["semantic"].logits.in_channels == (width or 8)
    torch.stack([term.mean() for term in losses.values()]).sum().backward()
    assert all(p.grad is not None for p in model.heads["semantic"].parameters())


@NDIMS
def test_it_learns_a_bright_block_by_heart(ndim):
    model = semantic(ndim)
    image, labels = torch.zeros(1, *(32,) * ndim), torch.zeros((32,) * ndim, dtype=torch.int16)
    block = (slice(4, 20),) * ndim
    image[(slice(None), *block)], labels[block] = 2.0, 1
    images, objective = batch_images([image], 8), Objective(model)
    target = [Instances(torch.zeros(0, 2 * ndim), class_map=labels)]
    optimizer = torch.optim.Adam(model.parameters(), 5e-3)
    for _ in range(110 - 20 * ndim):
        optimizer.zero_grad()
        objective(images, target, [0])["loss_semantic"].mean().backward()
        optimizer.step()
    found = model.eval()(images)[0].of_image["semantic"].labels()
    assert (found == labels).float().mean() > 0.95 and (found == 1).any()


def test_a_checkpoint_brings_it_back(tmp_path):
    torch.manual_seed(0)
    model = build_model(tiny_config(semantic_head=SemanticHeadConfig((8,), finer=4), **ALONE)).eval()
    save_checkpoint(tmp_path / "m.safetensors", model, tiny_info(model))
    again, info = load_checkpoint(tmp_path / "m.safetensors")
    photo = torch.from_numpy(noise(40, 56)).permute(2, 0, 1)
    a, b = Predictor(model, tiny_info(model))(photo), Predictor(again, info)(photo)
    assert (a.of_image["semantic"].labels() == b.of_image["semantic"].labels()).all()


def test_classes_of_the_same_name_keep_what_was_learned():
    own = SemanticHeadConfig((8,))
    source = small_model(2, semantic_head=own, **ALONE)
    target = small_model(2, seed=1, semantic_head=dataclasses.replace(own, background=True), num_classes=3, **ALONE)
    transfer(source, ("cat", "dog"), target, ("bird", "dog", "cat"))
    rows = [m.heads["semantic"].logits.weight for m in (source, target)]
    for a, b in ((0, 0), (1, 3), (2, 2)):  # background, cat, dog
        assert torch.equal(rows[0][a], rows[1][b])


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"finds_objects": False}, "says nothing"),
        (
            {"semantic_head": SemanticHeadConfig(), "loss": LossConfig(semantic=SemanticLossConfig((1.0,)))},
            "weighs 1 classes",
        ),
    ],
)
def test_settings_that_contradict_each_other_are_refused(changes, words):
    with pytest.raises(CheckpointError, match=words):
        check_agreement(tiny_config(**changes))


@pytest.mark.parametrize("norm", [None, "batch"])
@pytest.mark.parametrize("flip", [False, True])
def test_tiles_are_the_whole_away_from_their_seams(flip, norm):
    """A tile sees what lies in it as the whole image does, but for what its padding reaches into."""
    torch.manual_seed(0)
    config = tiny_config(semantic_head=SemanticHeadConfig((8,), norm=norm), **ALONE)
    model = build_model(config).eval()
    predictor = Predictor(model, tiny_info(model)).with_options(flip=flip)
    photo = torch.from_numpy(noise(64, 448)).permute(2, 0, 1)
    tiled = predictor.with_options(tile=64)(photo).of_image["semantic"]
    alone = predictor(photo[:, :, :64]).of_image["semantic"]
    seam = 64 - 16  # what the second tile shares with the first begins here
    assert (tiled.labels()[:, :seam] == alone.labels()[:, :seam]).all()
    assert tiled.labels().shape == (64, 448) and len(tiled.views) == 9 * (1 + flip)


def test_a_large_look_of_a_model_without_boxes_is_weighed():
    """Its branch on the finest grid takes more than the body alone."""
    options = [SemanticHeadConfig((8,)), SemanticHeadConfig((64,), finer=16)]
    small, large = (bytes_a_sample(build_model(tiny_config(semantic_head=own, **ALONE)).eval()) for own in options)
    assert 0 < small < large
