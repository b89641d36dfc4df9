"""Decisions for recordings, sequences and scans: files that are resampled and cut, where pictures are resized.

Each rule gives a value and its reason, as in ``model_rules.py`` and ``training_rules.py``, whose other rules hold here
too. Lengths are physical: seconds, bases or millimetres.
"""

from __future__ import annotations

import math

import numpy as np

from maskrcnn.checkpoints.ours import read_info
from maskrcnn.ops import anisotropy
from maskrcnn.planning.recipe import STRIDES
from maskrcnn.planning.rules import training as training_rules
from maskrcnn.planning.rules.model import MODEL_RULES
from maskrcnn.planning.rules.training import STEP_RULES
from maskrcnn.planning.situation import Choice, Rule, Situation
from maskrcnn.pretrained import model_path, shipped_models

CROWDED = 10  # objects in the median scan that make it one of cells, not of organs


def choice_of_kind(s: Situation, name: str, otherwise: Choice) -> Choice:
    """Take what every plan for files of this kind has for a setting, or else another choice.

    Args:
        s: the data, the machine, and what is settled so far.
        name: of the setting.
        otherwise: where the kind of file settles nothing.

    Returns:
        The choice.
    """
    return Choice(*s.data.files.settled[name]) if name in s.data.files.settled else otherwise


def model(s: Situation) -> Choice:
    kind = s.data.files
    for name in shipped_models():
        info = read_info(model_path(name))
        if info.notes.get("kind") == kind.name and set(info.class_names) & set(s.data.class_names):
            return Choice(name, f"this shipped model knows {', '.join(info.class_names)}")
    return Choice(kind.variant, f"nothing that is shipped knows such objects: {kind.words} is learned from nothing")


def spacing(s: Situation) -> Choice:
    own = s.start.preprocess.spacing
    if s.start_names and own is not None:
        return Choice(own, "the starting model's own: one of its samples")
    return choice_of_kind(
        s, "spacing", Choice(s.data.spacing, f"{s.data.unit} from sample to sample: as the files have it")
    )


def lengths(s: Situation, percent: float) -> float:
    """A percentile of the objects' longest sides in samples of the model (along all axes alike)."""
    if not len(s.data.extents):
        return 32.0
    return float(np.percentile(s.data.extents.max(1) / anisotropy.mean_spacing(s.chosen["spacing"]), percent))


def finest_stride(s: Situation) -> Choice:
    own = s.start.backbone.finest_stride()
    middle = lengths(s, 50)
    if s.start_names:
        return Choice(own, "which the weights know")
    fewest = s.data.files.window.fewest_cells
    stride = max((step for step in STRIDES if step <= max(middle / fewest, 1)), default=own)
    stride = max(stride, own) if middle >= fewest * own else stride
    return Choice(stride, f"samples: the median object is {middle:.0f} long and spans {middle / stride:.0f} of them")


def crop_size(s: Situation) -> Choice:
    frame, spacing = s.data.files.window, s.chosen["spacing"]
    longest = lengths(s, 95) * anisotropy.mean_spacing(spacing) / min(spacing)
    wanted = math.ceil(frame.shown * longest / frame.whole) * frame.whole
    size = int(min(max(wanted, frame.smallest), frame.largest))
    if s.start_names:
        size = s.start.preprocess.max_size
        return Choice(size, "samples: the window that the starting model learned to see")
    return Choice(size, f"samples that are seen at once: the longest twentieth of the objects is over {longest:.0f}")


def window(s: Situation) -> Choice:
    """As far along every axis, but no further than the largest file reaches."""
    size, spacing = s.chosen["crop_size"], s.chosen["spacing"]
    if s.start_names and s.start.preprocess.window is not None:
        return Choice(s.start.preprocess.window, "the starting model's own")
    if not s.data.files.window_by_axis:
        return Choice((), "for scans alone")
    sides = np.array(anisotropy.window(size, spacing) or (size,) * len(spacing))
    reach = np.array(s.data.reach or (np.inf,) * len(spacing))
    there = np.ceil(reach / np.array(spacing) / anisotropy.WHOLE - 1e-6) * anisotropy.WHOLE
    sides = np.minimum(sides, np.maximum(there, anisotropy.WHOLE)).astype(int)
    if (sides == size).all():
        return Choice((), "as long along every axis")
    return Choice(tuple(sides.tolist()), "samples along x, y and z: as far along each, and no further than scans reach")


def smallest_anchor(s: Situation) -> Choice:
    if s.start_names:
        return Choice(round(s.start.anchors.sizes[0][0]), "the starting model's own")
    small, large = lengths(s, 3), lengths(s, 97)
    levels = len(s.start.anchors.sizes)
    size = max(2, round(max(0.9 * small, large / 2**levels)))
    return Choice(size, f"samples, doubled each level: objects are {small:.0f} to {large:.0f} long")


def mask_size(s: Situation) -> Choice:
    bins = s.start.mask_head.pool.output_size if s.start.mask_head else 14
    return Choice(bins, f"masks of {2 * bins} bins along each axis; the median object has {lengths(s, 50):.0f} samples")


def max_detections(s: Situation) -> Choice:
    most = min(float(s.data.density * s.window_volume()), float(s.data.most_objects))
    cap = max(100, math.ceil(2 * most / 10) * 10)
    return Choice(cap, f"a window holds about {most:.0f} objects in the fullest file")


def proposals(s: Situation) -> Choice:
    return Choice(s.data.files.window.proposals, "of a window; a quarter of these are for objects")


def scale(s: Situation) -> Choice:
    return choice_of_kind(s, "scale", Choice((0.8, 1.25), "sizes mean something here; they vary by a quarter"))


def flip(s: Situation) -> Choice:
    axes = s.data.files.flips_if_crowded
    if axes and s.data.crowded() >= CROWDED:
        return Choice(axes, "many objects in a scan: cells lie any way round")
    return choice_of_kind(s, "flip", Choice((), "none: time has a direction, and a body has sides"))


def gain(s: Situation) -> Choice:
    return choice_of_kind(s, "gain", Choice(0.5, "amplitudes differ from one file to the next"))


def hidden_bands(s: Situation) -> Choice:
    return choice_of_kind(s, "hidden_bands", Choice(0, "for sound alone"))


def noise(s: Situation) -> Choice:
    return choice_of_kind(s, "noise", Choice(0.2, "deviations of white noise at most"))


def drift(s: Situation) -> Choice:
    return choice_of_kind(s, "drift", Choice(0.4, "deviations of a slow wave at most: electrodes and coils drift"))


def copy_paste(s: Situation) -> Choice:
    return Choice(0.0, "what stands before and after an object says what it is")


GRID_RULES: dict[str, Rule] = {
    "spacing": spacing,
    "crop_size": crop_size,
    "window": window,
    "finest_stride": finest_stride,
    "smallest_anchor": smallest_anchor,
    "mask_size": mask_size,
    "max_detections": max_detections,
    "proposals": proposals,
    "agnostic_masks": MODEL_RULES["agnostic_masks"],
    "agnostic_boxes": MODEL_RULES["agnostic_boxes"],
    "scale": scale,
    "flip": flip,
    "gain": gain,
    "hidden_bands": hidden_bands,
    "noise": noise,
    "drift": drift,
    "copy_paste": copy_paste,
    "precision": training_rules.precision,
    "batch": training_rules.batch,
    "workers": training_rules.workers,
    "lr": STEP_RULES["lr"],
    "body_lr": STEP_RULES["body_lr"],
    "freeze": STEP_RULES["freeze"],
}
