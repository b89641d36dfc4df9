"""A small 1-D model of random weights and data sets of a few seconds, all made up on the spot."""

from __future__ import annotations

import dataclasses
import struct
import wave
from pathlib import Path
from typing import Any

import numpy as np
import torch

from maskrcnn.checkpoints.ours import save_checkpoint
from maskrcnn.config import (
    AnchorConfig,
    BackboneConfig,
    BoxHeadConfig,
    DetectionConfig,
    LossConfig,
    MaskHeadConfig,
    ModelConfig,
    PoolConfig,
    PreprocessConfig,
    SelectionConfig,
)
from maskrcnn.model_info import ModelInfo
from maskrcnn.models.build import build_model
from maskrcnn.models.mask_rcnn import MaskRCNN

CLASSES = ("high", "low")
RATE = 100.0  # samples a second of series
STEP = 0.01  # seconds


def tiny_signal_config(ndim: int = 1, **changes: Any) -> ModelConfig:
    """Features every other sample, windows of 64 samples a side; ``changes`` replace fields."""
    reductions = ((1,) * ndim, *((2,) * ndim,) * 4)
    pool = PoolConfig(4, aligned=True, canonical_size=32.0)
    preprocess = PreprocessConfig((0.0,), (1.0,), 64, 64, size_divisor=16, spacing=(STEP,) * ndim, standardise=True)
    config = ModelConfig(
        ndim=ndim,
        in_channels=1,
        num_classes=len(CLASSES),
        preprocess=preprocess,
        backbone=BackboneConfig("resnet18", reductions, "group", width=8, fpn_channels=8),
        anchors=AnchorConfig(((6.0,), (12.0,), (24.0,), (48.0,), (96.0,)), ((1.0,) * ndim,)),
        selection=SelectionConfig(pre_nms=40, post_nms=30),
        detection=DetectionConfig(max_detections=20),
        box_head=BoxHeadConfig(pool, hidden=16),
        mask_head=MaskHeadConfig(pool, channels=8, convs=1),
        loss=LossConfig(rpn_samples=32, box_samples=16, train_selection=SelectionConfig(pre_nms=40, post_nms=30)),
    )
    return dataclasses.replace(config, **changes)


def tiny_signal_model(seed: int = 0, ndim: int = 1, **changes: Any) -> MaskRCNN:
    """Random weights, but outputs large enough for scores from 0 to 1 and masks that fill part of their boxes."""
    torch.manual_seed(seed)
    model = build_model(tiny_signal_config(ndim, **changes)).eval()
    with torch.no_grad():
        model.heads["box"].class_logits.weight *= 1000
        model.heads["box"].box_deltas.weight *= 30
        if "mask" in model.heads:
            model.heads["mask"].logits.bias += 0.1
            model.heads["mask"].logits.weight *= model.heads["mask"].logits.in_channels ** 0.5
    return model


def tiny_signal_info(model: MaskRCNN, kind: str = "series", class_names: tuple[str, ...] = CLASSES) -> ModelInfo:
    ids = tuple(range(1, len(class_names) + 1))
    return ModelInfo(model.config, class_names, ids, notes={"kind": kind} if kind else {})


def save_tiny_signal_model(path: Path, kind: str = "series", **changes: Any) -> Path:
    """A model file; ``changes`` replace fields of its config."""
    model = tiny_signal_model(**changes)
    path.parent.mkdir(parents=True, exist_ok=True)
    save_checkpoint(path, model, tiny_signal_info(model, kind))
    return path


def bumps(length: int, seed: int = 0) -> tuple[np.ndarray, list[tuple[int, int, str]]]:
    """Noise ``[T]`` with a bump upwards or downwards every 60 samples, and (first, behind the last, class) of each."""
    generator = np.random.default_rng(seed)
    samples, objects = 0.2 * generator.standard_normal(length), []
    for k, start in enumerate(range(12, length - 30, 60)):
        low, high = start + int(generator.integers(0, 8)), start + 20 + int(generator.integers(0, 8))
        samples[low:high] += 3.0 if k % 2 else -3.0
        objects.append((low, high, CLASSES[0] if k % 2 else CLASSES[1]))
    return samples, objects


def write_series(folder: Path, count: int = 3, length: int = 300, rate: float = RATE, suffix: str = ".csv") -> Path:
    """A folder of series ``0.csv``, ``1.csv`` ... with a table of intervals each."""
    folder.mkdir(parents=True, exist_ok=True)
    for k in range(count):
        samples, objects = bumps(length, k)
        write_one_series(folder / f"{k}{suffix}", samples, rate)
        rows = "".join(f"{low},{high},{name}\n" for low, high, name in objects)
        (folder / f"{k}.intervals.csv").write_text(f"start_sample,end_sample,label\n{rows}")
    return folder


def write_one_series(path: Path, samples: np.ndarray, rate: float = RATE) -> Path:
    """A csv with a column of times, or an npz with a rate."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.suffix == ".npz":
        np.savez(path, samples=np.atleast_2d(samples), rate=rate)
    else:
        rows = "".join(f"{k / rate:.6f},{value:.4f}\n" for k, value in enumerate(samples))
        path.write_text(f"time,value\n{rows}")
    return path


def write_wav(path: Path, samples: np.ndarray, rate: int = 1000) -> Path:
    """16-bit mono."""
    path.parent.mkdir(parents=True, exist_ok=True)
    whole = np.clip(samples * 32767, -32768, 32767).astype("<i2")
    with wave.open(str(path), "wb") as file:
        file.setparams((1, 2, rate, len(whole), "NONE", ""))
        file.writeframes(struct.pack(f"<{len(whole)}h", *whole.tolist()))
    return path


def write_sounds(folder: Path, count: int = 2, seconds: float = 3.0, rate: int = 1000) -> Path:
    """A folder of WAVs, each with an Audacity label track of bursts of noise."""
    for k in range(count):
        generator = np.random.default_rng(k)
        samples, lines = 0.002 * generator.standard_normal(int(seconds * rate)), []
        for number, start in enumerate(np.arange(0.2, seconds - 0.5, 0.6)):
            low, high = int(start * rate), int((start + 0.25) * rate)
            samples[low:high] += 0.3 * generator.uniform(-1, 1, high - low)
            lines.append(f"{start:.6f}\t{start + 0.25:.6f}\t{number % 2}\n")
        write_wav(folder / f"{k}.wav", samples, rate)
        (folder / f"{k}.txt").write_text("".join(lines))
    return folder
