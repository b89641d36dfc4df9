"""Fits a model to the kind of files that it learns from: its channels, its grid, and what is done to samples first."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np

from maskrcnn.config import ModelConfig
from maskrcnn.data.dataset import Dataset
from maskrcnn.data.transforms.regrid import grid_of, window_shape
from maskrcnn.data.windows import objects_in_window
from maskrcnn.errors import DataError, UsageError
from maskrcnn.modalities.table import kinds
from maskrcnn.model_info import ModelInfo
from maskrcnn.ops import anisotropy
from maskrcnn.structures import Record

MEL_BANDS, MEL_MEAN, MEL_DEVIATION = 40, -4.0, 3.0  # of the log-mel bands of sound of deviation 1


def first_record(data: Dataset) -> Record:
    """The first whose labels can be read. Raises DataError where there is none."""
    for index in range(len(data)):
        try:
            return data[index]
        except DataError as error:
            failure = error
    raise failure


def fit_to_kind(config: ModelConfig, data: Dataset, spacing: Sequence[float] = (), fresh: bool = True) -> ModelConfig:
    """The channels, grid and preprocessing that the files of ``data`` ask for.

    Args:
        config: of a variant (``fresh``), which takes all of it, or of a trained model, which keeps what it has learned.
        data: that the model is to learn from.
        spacing: of the model's samples, x first, if the user asked for one.
        fresh: whether nothing was learned before.

    Returns:
        The config with all of it.

    Raises:
        UsageError: a model of another number of dimensions, or of other channels.
    """
    kind = kinds()[data.kind]
    if config.ndim != kind.ndim:
        raise UsageError(
            f"{data.path} holds data of {kind.ndim} dimensions and the model has {config.ndim}: start from "
            f"--model {kind.variant}, or from a model that was trained on data of this kind."
        )
    if kind.is_picture:
        return config
    record = first_record(data)
    channels = int(data.read_image(record).shape[0]) if kind.own_channels else 1
    if not fresh:
        p = config.preprocess
        if kind.own_channels and config.in_channels != channels and not p.each_channel:
            raise UsageError(f"{record.source} has {channels} channels, and the model sees {config.in_channels}.")
        return dataclasses.replace(config, preprocess=dataclasses.replace(p, spacing=tuple(spacing) or p.spacing))
    preprocess = dataclasses.replace(config.preprocess, **kind.preprocess, pixel_mean=(0.0,) * channels)
    preprocess = dataclasses.replace(preprocess, pixel_std=(1.0,) * channels)
    own = grid_of(_spacings(data, kind.ndim))
    if preprocess.log_mel:
        channels, sound_rate, own = MEL_BANDS, 1 / own[0], tuple(kind.settled["spacing"][0])
        means, deviations = (MEL_MEAN,) * MEL_BANDS, (MEL_DEVIATION,) * MEL_BANDS
        preprocess = dataclasses.replace(preprocess, sound_rate=sound_rate, pixel_mean=means, pixel_std=deviations)
    preprocess = dataclasses.replace(preprocess, spacing=tuple(float(s) for s in spacing) or own)
    return fit_to_spacing(dataclasses.replace(config, in_channels=channels, preprocess=preprocess))


def fit_to_spacing(config: ModelConfig) -> ModelConfig:
    """Strides, anchors and window of a variant for samples that are longer along one axis than along another."""
    p, body = config.preprocess, config.backbone
    if p.spacing is None or not anisotropy.is_anisotropic(p.spacing):
        return config
    strides = anisotropy.reductions([max(own) for own in body.reductions or ((2,),) * 5], p.spacing)
    return dataclasses.replace(
        config,
        preprocess=dataclasses.replace(p, window=anisotropy.window(p.max_size, p.spacing)),
        backbone=dataclasses.replace(body, reductions=strides),
        anchors=dataclasses.replace(config.anchors, shapes=(anisotropy.anchor_shape(p.spacing),)),
    )


def check_kind(info: ModelInfo, model: str, data: Dataset) -> None:
    """Raise UsageError where a model of another kind of files is to look at ``data``.

    Args:
        info: of the model.
        model: its name, for sentences.
        data: that it is to look at.
    """
    own, kind = info.notes.get("kind", ""), kinds()[data.kind]
    if info.config.ndim != kind.ndim or (own and own != data.kind):
        what = kinds()[own].words if own in kinds() else f"data of {info.config.ndim} dimensions"
        raise UsageError(f"{data.path} holds files each of which is {kind.words}, and {model} was made for {what}.")


def most_objects(config: ModelConfig, data: Dataset) -> int:
    """Objects in the fullest image, or in an average window of the fullest file."""
    if config.preprocess.spacing is None:
        return data.max_objects()
    return objects_in_window(data, config.preprocess, window_shape(config.preprocess, config.ndim))


def _spacings(data: Dataset, ndim: int) -> list[Sequence[float]]:
    """Of the records that say one; 1 where none does."""
    found: list[Sequence[float]] = []
    for index in np.unique(np.linspace(0, len(data) - 1, min(len(data), 64)).round().astype(int)).tolist():
        try:
            spacing = data[index].spacing
        except DataError:
            continue
        if spacing is not None:
            found.append(spacing)
    return found or [(1.0,) * ndim]
