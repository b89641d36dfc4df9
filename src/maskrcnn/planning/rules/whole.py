"""Decisions for labels of whole files; about steps, time and colours those of all models hold."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from maskrcnn.planning.rules import grid as grid_rules
from maskrcnn.planning.rules import model as model_rules
from maskrcnn.planning.rules import training as training_rules
from maskrcnn.planning.situation import Choice, Rule, Situation

LARGEST_ON_CPU, LARGEST_ON_GPU = 448, 1024  # longer sides of images
WHOLE = 32  # windows are multiples of so many samples
LONGEST, LARGEST_VOLUME = 32768, 128  # samples along an axis of recordings, and of scans, that are seen at once
LEARNING_RATE = 2e-3  # for 8 files in a step
FEW = 0.1  # part of the files: a label of fewer counts more
PLACES = 8  # pixels from place to place in pictures


def image_size(s: Situation) -> Choice:
    side, largest = s.data.side(), LARGEST_ON_GPU if s.on_gpu() else LARGEST_ON_CPU
    return Choice(model_rules.to_grid(min(side, largest)), f"images are {side:.0f}; each is seen as a whole")


def crop_size(s: Situation) -> Choice:
    return Choice(s.chosen["image_size"], "none is cut: what decides may lie anywhere")


def scale(s: Situation) -> Choice:
    return Choice((0.8, 1.0), "smaller at most: what is cut off might be what the label is about")


def longest(s: Situation) -> Choice:
    spacing = s.chosen["spacing"]
    reach = max(np.array(s.data.reach or (1.0,)) / np.array(spacing))
    most = LARGEST_VOLUME if s.data.files.window_by_axis else LONGEST
    size = int(min(max(math.ceil(1.05 * reach / WHOLE) * WHOLE, 2 * WHOLE), most))
    if reach > size:
        return Choice(
            size,
            f"samples that are learned from at once; files reach to {reach:.0f}: a part of them may lack what decides",
        )
    return Choice(size, f"samples that are seen at once: the longest file, of {reach:.0f}, as a whole")


def window(s: Situation) -> Choice:
    return grid_rules.window(replace(s, start_names=()))


def finest_stride(s: Situation) -> Choice:
    own = s.start.backbone.finest_stride()
    if s.start_names:
        return Choice(own, "which the weights know")
    if not s.data.files.whole_files:
        return Choice(1, "a place for each base")
    return Choice(own, "the architecture's own")


def grid_scale(s: Situation) -> Choice:
    if s.data.files.window_by_axis:
        return Choice((0.95, 1.05), "a twentieth: files are seen as wholes")
    return Choice((1.0, 1.0), "as they are: to resample whole recordings takes longer than to learn from them")


def grid_flip(s: Situation) -> Choice:
    if not s.data.files.whole_files:
        return Choice((), "each strand by itself; --flip x reads the other one too")
    return grid_rules.flip(s)


def places(s: Situation) -> Choice:
    if s.start.whole_head is not None:
        return Choice(s.start.whole_head.stride, "the starting model's own")
    if s.data.files.is_picture:
        return Choice(PLACES, "pixels: finer places cost time and say the same")
    return Choice(s.chosen["finest_stride"], "samples: as fine as the features are")


def whole_width(s: Situation) -> Choice:
    if s.start.whole_head is not None:
        return Choice(s.start.whole_head.width, "the starting model's own")
    return Choice(64, "channels in which a place is judged")


def class_weights(s: Situation) -> Choice:
    counts = [count / max(s.data.images, 1) for count in s.data.class_counts]
    if s.data.class_counts and 0 < min(counts) < FEW:
        return Choice("frequency", f"the rarest label is that of {min(counts):.0%} of the files: rare ones count more")
    return Choice("none", "no label is rare")


def lr(s: Situation) -> Choice:
    return Choice(LEARNING_RATE, "for 8 files in a step: the head has all to learn")


def freeze(s: Situation) -> Choice:
    if s.start_names:
        return Choice("all", "the body keeps what it knows; a label for a whole file teaches it little")
    return Choice("none", "nothing was learned before")


OWN: dict[str, Rule] = {"places": places, "whole_width": whole_width, "class_weights": class_weights}
PICTURE_RULES: dict[str, Rule] = {
    "image_size": image_size,
    "crop_size": crop_size,
    "finest_stride": model_rules.finest_stride,
    **OWN,
    **training_rules.VARY_RULES,
    "scale": scale,
    "copy_paste": lambda s: Choice(0.0, "what is pasted into a file would change its label"),
    **training_rules.STEP_RULES,
    "lr": lr,
    "freeze": freeze,
}
GRID_RULES: dict[str, Rule] = {
    "spacing": grid_rules.spacing,
    "crop_size": longest,
    "window": window,
    "finest_stride": finest_stride,
    **OWN,
    "scale": grid_scale,
    "flip": grid_flip,
    "gain": grid_rules.gain,
    "hidden_bands": grid_rules.hidden_bands,
    "noise": grid_rules.noise,
    "drift": grid_rules.drift,
    "copy_paste": lambda s: Choice(0.0, "what is pasted into a file would change its label"),
    "precision": training_rules.precision,
    "batch": training_rules.batch,
    "workers": training_rules.workers,
    "lr": lr,
    "body_lr": training_rules.body_lr,
    "freeze": freeze,
}
