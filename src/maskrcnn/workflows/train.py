"""Training on a data set, from a shipped model, a file, or random weights."""

from __future__ import annotations

import dataclasses
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import torch

from maskrcnn.checkpoints.ours import ModelInfo, load_checkpoint
from maskrcnn.checkpoints.transfer import load_body, transfer
from maskrcnn.config import MaskHeadConfig, ModelConfig
from maskrcnn.data.dataset import Dataset
from maskrcnn.data.transforms import AugmentConfig
from maskrcnn.errors import DataError, UsageError
from maskrcnn.evaluation.evaluate import match_classes
from maskrcnn.models.build import VARIANTS, build_model
from maskrcnn.models.mask_rcnn import MaskRCNN
from maskrcnn.training.fit import FitConfig, fit
from maskrcnn.training.memory import keep_freed_memory
from maskrcnn.training.report import Report
from maskrcnn.workflows.models import few, load_model

Say = Callable[[str], None]


def train(
    data: Dataset,
    val: Dataset | None,
    out: Path,
    model: str = "people",
    body_weights: Path | None = None,
    image_size: int | None = None,
    config: FitConfig = FitConfig(),  # noqa: B008 - frozen
    resume: bool = False,
    device: str = "cpu",
    say: Say = print,
) -> Path:
    """Train on ``data``; the path of the best checkpoint. See :func:`maskrcnn.training.fit.fit` for what is written.

    Args:
        model: a shipped model or a file to start from (classes of the same name keep what was learned), or one of
            :data:`maskrcnn.models.build.VARIANTS` with random weights.
        body_weights: a safetensors file to start the backbone's body from.
        image_size: longer side of the images; None: the starting model's own.
        resume: go on from ``out/last.safetensors``, with the recipe that it was begun with.
        say: is given what the user should know, sentence by sentence.

    Raises:
        UsageError: ``out`` holds a training already, or, to be resumed, none of these classes.
        DataError: nothing to train on, or validation data of which the model knows no class.
    """
    check_data(data, val)
    torch.manual_seed(config.seed)
    keep_freed_memory()
    last = out / "last.safetensors"
    if resume:
        network, info, config = begun(last, data)
        say(f"Going on from {last} with the flags of its beginning.")
    else:
        if last.exists():
            raise UsageError(
                f"{out} holds a training already: go on with it with --resume, or name another folder with --out."
            )
        network, info = start(data, model, body_weights, image_size, say)
        config = dataclasses.replace(config, freeze_early=model not in VARIANTS or body_weights is not None)
        info = dataclasses.replace(info, notes={"recipe": dataclasses.asdict(config), "images": len(data)})
        say(f"Training on {len(data)} images of {few(data.class_names)}, {config.epochs} times each.")
    size = info.config.preprocess.max_size
    augment = AugmentConfig(size=(size,) * info.config.ndim)
    report = Report(out)
    try:
        with said_warnings(say):
            return fit(network, info, data, out, val, config, augment, resume, device, report)
    finally:
        report.close()


def check_data(data: Dataset, val: Dataset | None) -> None:
    """Refuse data that would stop the training later, perhaps after a whole epoch."""
    for dataset in (data, val):
        if dataset is not None and len(dataset) == 0:
            raise DataError(f"{dataset.path} holds no images.")
    if data.max_objects() == 0:
        raise DataError(f"Nothing is labelled in {data.path}: there is nothing to learn from.")
    if val is not None:
        match_classes(data.class_names, val)


def begun(last: Path, data: Dataset) -> tuple[MaskRCNN, ModelInfo, FitConfig]:
    """The model of a training that was broken off, and its recipe."""
    if not last.is_file():
        raise UsageError(
            f"There is nothing to resume in {last.parent}: {last.name} is not there; train without --resume first."
        )
    network, info = load_checkpoint(last)
    if info.class_names != data.class_names:
        raise UsageError(
            f"{last} was trained on the classes {', '.join(info.class_names)}, and the data have "
            f"{', '.join(data.class_names)}: train without --resume into another folder."
        )
    if info.notes.get("images", len(data)) != len(data):
        raise UsageError(
            f"{last} was trained on {info.notes['images']} images, and {data.path} has {len(data)}: resume with the "
            f"same data, or start another training from it with --model {last} and another folder."
        )
    try:
        return network, info, FitConfig(**info.notes["recipe"])
    except (KeyError, TypeError):
        raise UsageError(
            f"{last} does not say how its training was begun, so it cannot go on; start another one from it with "
            f"--model {last} and another folder."
        ) from None


@contextmanager
def said_warnings(say: Say) -> Iterator[None]:
    """Within the block warnings (of images that cannot be read) are told to the user, each once."""

    def show(message: Warning | str, *where: object) -> None:
        say(f"note: {message}")

    with warnings.catch_warnings():
        warnings.showwarning = show  # type: ignore[assignment]
        yield


def start(
    data: Dataset, model: str, body_weights: Path | None, image_size: int | None, say: Say
) -> tuple[MaskRCNN, ModelInfo]:
    """The model that training begins with, fitted to the classes of the data."""
    if model in VARIANTS:
        network = build_model(fit_to_data(VARIANTS[model](len(data.class_names)), data, image_size, say))
        beginning = [f"Starting from random weights of {model}"]
    else:
        source, source_info = load_model(model)
        network = build_model(fit_to_data(source_info.config, data, image_size, say))
        kept = transfer(source, source_info.class_names, network, data.class_names)
        new = [name for name in data.class_names if name not in source_info.class_names]
        beginning = [f"Starting from {model}"]
        beginning += [f"new classes: {few(new)}"] if new else []
        beginning += [f"{len(kept)} tensors of other shapes begin with random weights"] if kept else []
    if body_weights is not None:
        beginning += [f"{load_body(network, body_weights)} tensors of the body come from {body_weights}"]
    say("; ".join(beginning) + ".")
    return network, ModelInfo(network.config, data.class_names, data.category_ids)


def fit_to_data(config: ModelConfig, data: Dataset, image_size: int | None, say: Say) -> ModelConfig:
    """Number of classes, image size and detection cap as the data want them."""
    if not data.has_masks and config.mask_head is not None:
        say("The data have boxes but no masks: training without a mask head (Faster R-CNN).")
        config = dataclasses.replace(config, mask_head=None)
    if data.has_masks and config.mask_head is None:
        say("The data have masks and the model has no mask head: it gets a new one.")
        width = config.backbone.fpn_channels
        pool = dataclasses.replace(config.box_head.pool, output_size=MaskHeadConfig().pool.output_size)
        config = dataclasses.replace(config, mask_head=MaskHeadConfig(pool, channels=width))
    preprocess = config.preprocess
    if image_size is not None:
        preprocess = dataclasses.replace(preprocess, min_size=image_size, max_size=image_size)
    # Half as many again as in the densest image: the cap must never be what ends a list of true objects.
    cap = max(config.detection.max_detections, 100, int(1.5 * data.max_objects()))
    detection = dataclasses.replace(config.detection, max_detections=cap)
    selection = dataclasses.replace(config.selection, post_nms=max(config.selection.post_nms, 2 * cap))
    return dataclasses.replace(
        config, num_classes=len(data.class_names), preprocess=preprocess, detection=detection, selection=selection
    )
