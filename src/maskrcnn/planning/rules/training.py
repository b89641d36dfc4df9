"""Decisions about the training: what is varied, how large its steps are, how long it goes on.

Each rule gives a value and its reason. The numbers come from the recipes of the shipped models (docs/training.md).
"""

from __future__ import annotations

import math
import re

import numpy as np

from maskrcnn.checks import duration, gib
from maskrcnn.planning.situation import Choice, Rule, Situation
from maskrcnn.training.budget import VALIDATING

ENOUGH, ENOUGH_CROWDED = 27_000, 15_000  # images that a training sees before it learns little more
MOST_EPOCHS, FEWEST_EPOCHS = 200, 3
USUAL_TIME = 75 * 60  # seconds that a plan aims at where no time was given
RESERVE = 0.1  # of the time: a machine is slower when it is warm or busy
SMALLEST_CROP = 192  # pixels: below, no time is short enough
PIXEL_BYTES = (
    1200  # of memory for each pixel of a step with the small model, more than measured; bigger bodies need more
)
VOXEL_BYTES = 6000  # of memory for each voxel of a step with the small model, divided by the finest stride
BODY_BYTES = {"mobilenet_v2": 1.0, "resnet18": 1.5, "resnet34": 2.0, "resnet50": 4.0, "resnet101": 6.0}  # times that


def precision(s: Situation) -> Choice:
    if s.machine.bf16:
        return Choice("bf16", "this machine multiplies bfloat16 itself: a step takes about two thirds of the time")
    return Choice("fp32", "this machine does not multiply bfloat16 faster")


def scale(s: Situation) -> Choice:
    if s.many_small():
        return Choice((0.5, 1.8), "many small objects: images are shown at half to nearly twice their size")
    if s.large_objects():
        return Choice((0.6, 1.4), "large objects: much larger than the image they would only be seen in parts")
    return Choice((0.5, 1.5), "objects are learned at half to one and a half times their size")


def flip(s: Situation) -> Choice:
    sided = [name for name in s.data.class_names if _has_sides(name)]
    if sided and not s.data.has_keypoints:
        return Choice((), f"none: a mirrored {sided[0]} is another thing")
    if s.microscopy():
        return Choice(("x", "y"), "nothing is up or down under a microscope")
    return Choice(("x",), "left and right are alike in most pictures, up and down are not")


def _has_sides(name: str) -> bool:
    """Whether the name says left or right, or is a digit, a letter or a text."""
    words = re.split(r"[^a-z0-9]+", name.lower())
    return len(name.strip()) == 1 or bool({"left", "right", "text", "letter", "digit"} & set(words)) or name.isdigit()


def colour(s: Situation) -> Choice:
    if s.microscopy():
        return Choice(0.3, "brightness and contrast differ from one microscope to the next")
    return Choice(0.2, "largest change of brightness, contrast and saturation, as for all photos")


def gamma(s: Situation) -> Choice:
    if s.microscopy():
        return Choice(0.5, "cameras and stains differ in how brightness grows")
    return Choice(0.0, "not needed for photos")


def grey(s: Situation) -> Choice:
    if 0.05 <= s.data.grey <= 0.95:
        return Choice(0.2, f"{s.data.grey:.0%} of the pictures are grey already: colours must not be relied on")
    return Choice(0.0, "all pictures are grey" if s.data.grey > 0.95 else "all pictures have colours")


def stretch(s: Situation) -> Choice:
    if s.start.preprocess.stretch:
        return Choice(True, "the starting model has learned from stretched pictures")
    dark = float((s.data.contrast < 80).mean()) if len(s.data.contrast) else 0.0
    if dark >= 0.5:
        return Choice(True, f"{dark:.0%} of the pictures use less than a third of the range of brightness")
    return Choice(False, "the pictures use their range of brightness")


def invert(s: Situation) -> Choice:
    bright = float((s.data.brightness > 140).mean()) if len(s.data.brightness) else 0.0
    dark = float((s.data.brightness < 90).mean()) if len(s.data.brightness) else 0.0
    if s.microscopy() and bright > 0.03 and dark > 0.03:
        return Choice(0.3, "there are bright and dark backgrounds: objects must be known on both")
    return Choice(0.0, "light and dark mean something in these pictures")


def copy_paste(s: Situation) -> Choice:
    if not s.data.has_masks:
        return Choice(0.0, "without masks there is nothing to cut out")
    if s.many_small():
        return Choice(0.0, "images hold many objects as they are")
    return Choice(0.3, "objects of other images in three of ten samples: more objects, on other backgrounds")


def batch(s: Situation) -> Choice:
    images = s.train_images * s.windows()
    wanted = 2
    if images >= 64:
        wanted = s.data.files.batch
    elif images >= 16:
        wanted = 4
    wanted = max(1, min(wanted, round(images) or wanted))
    wanted = -(-wanted // s.machine.processes) * s.machine.processes
    reason = f"images in a step; {s.train_images} images to learn from"
    room = int(0.6 * s.machine.memory / image_bytes(s)) * s.machine.processes
    if 0 < room < wanted:
        return Choice(room, f"{reason}; {gib(s.machine.memory)} of free memory allow no more than this")
    if room == 0:
        return Choice(1, f"{reason}; {gib(s.machine.memory)} of free memory may be too little even for one")
    return Choice(wanted, f"{reason}, about {gib(wanted * image_bytes(s))} of memory")


def image_bytes(s: Situation) -> float:
    """Memory that each image of a step needs, roughly."""
    if s.data.files.memory_by_voxel:
        voxels = s.window_volume() / float(np.prod(s.chosen["spacing"]))
        return VOXEL_BYTES * voxels / float(s.chosen.get("finest_stride", 2))
    body = BODY_BYTES.get(s.start.backbone.body, 4.0)
    ndim = s.start.ndim
    finer = (4 / (s.chosen.get("finest_stride") or 4)) ** ndim
    return float(PIXEL_BYTES * body * finer * s.chosen["crop_size"] ** ndim)


def workers(s: Situation) -> Choice:
    count = min(4, max(1, s.machine.cores // 2)) if not s.on_gpu() else min(8, max(1, s.machine.cores - 1))
    return Choice(count, f"processes that load images, beside {s.machine.cores} threads that compute")


def lr(s: Situation) -> Choice:
    if not s.start_names and not s.data.files.is_picture:
        return Choice(1e-3, "for 8 windows in a step of a small model that has learned nothing yet")
    return Choice(6e-4, "that of the shipped models, for 8 images in a step; it follows the batch by its square root")


def body_lr(s: Situation) -> Choice:
    if not s.start_names:
        return Choice(1.0, "nothing was learned before, so the body learns as fast as the rest")
    return Choice(0.2, "the body has learned from many more photos than these, and keeps most of it")


def freeze(s: Situation) -> Choice:
    if not s.start_names:
        return Choice("none", "nothing was learned before")
    return Choice("early", "edges and textures are the same everywhere; it saves time and memory")


def enough_epochs(s: Situation) -> int:
    """More bring little."""
    enough = (ENOUGH_CROWDED if s.data.crowded() >= 10 else ENOUGH) * (3 if s.told else 1)
    most = MOST_EPOCHS if s.data.files.is_picture else 20 * MOST_EPOCHS  # one long file may be all there is
    return max(FEWEST_EPOCHS, min(most, round(enough / looks(s))))


def looks(s: Situation) -> int:
    """Images or windows that an epoch shows."""
    return max(round(s.train_images * s.windows()), 1)


def epochs(s: Situation) -> Choice:
    """As many as bring what is enough, or as the time allows."""
    images, wanted = looks(s), enough_epochs(s)
    what = "images" if s.data.files.is_picture else "windows"
    reason = f"{wanted * images:,} looks at {images} {what} are enough"
    if s.cost is None:
        return Choice(wanted, f"{reason}; the time was not measured")
    seconds = s.seconds if s.seconds is not None else USUAL_TIME
    possible = int((1 - RESERVE) * (1 - VALIDATING) * seconds / epoch_seconds(s))
    count = max(1, min(wanted, possible))
    took = f"a step of {s.chosen['batch']} images takes {s.cost.seconds:.2f} s here"
    whole = f"{took}, so training takes about {duration(count * epoch_seconds(s))}"
    if possible < 1:
        return Choice(1, f"one epoch alone takes {duration(epoch_seconds(s))}, longer than the {duration(seconds)}")
    if possible < wanted:
        asked = "the time that you gave" if s.told else "what a plan aims at"
        return Choice(count, f"all that {duration(seconds)} allow, {asked}; {whole}")
    return Choice(count, f"{reason}; {whole}")


def epoch_seconds(s: Situation) -> float:
    """One walk over the images to learn from; half of the loading hides behind the computing."""
    assert s.cost is not None
    steps = math.ceil(s.train_images * s.windows() / int(s.chosen["batch"]))
    workers = max(int(s.chosen.get("workers") or 1), 1)
    return max(steps * (s.cost.seconds + 0.5 * s.cost.load_seconds / workers), 1e-3)


def validate_every(s: Situation) -> Choice:
    count = s.chosen["epochs"]
    if not s.val_images:
        return Choice(1, "there are no held-out images")
    times = 12
    if s.cost is not None:
        one = max(look_seconds(s), 1e-3)
        times = max(3, min(times, int(VALIDATING * count * epoch_seconds(s) / one)))
        return Choice(
            max(1, math.ceil(count / times)),
            f"epochs between looks at the {s.val_images} held-out images, each of about {duration(one)}",
        )
    return Choice(max(1, math.ceil(count / times)), f"epochs between looks at the {s.val_images} held-out images")


def look_seconds(s: Situation) -> float:
    """One validation: a loss and a prediction of each held-out image, and COCO's matching."""
    assert s.cost is not None
    larger = (s.chosen["image_size"] / s.chosen["crop_size"]) ** 2 if s.data.files.is_picture else s.windows()
    return 2.0 * s.val_images * s.cost.look_seconds * larger


def average(s: Situation) -> Choice:
    steps = math.ceil(max(s.train_images * s.windows(), 1) / s.chosen["batch"]) * s.chosen["epochs"]
    span = min(max(steps / 6, 10), 1000)
    return Choice(round(1 - 1 / span, 4), f"the weights' average looks back over {span:.0f} of the {steps} steps")


VARY_RULES: dict[str, Rule] = {
    "scale": scale,
    "flip": flip,
    "colour": colour,
    "gamma": gamma,
    "grey": grey,
    "stretch": stretch,
    "invert": invert,
    "copy_paste": copy_paste,
}
STEP_RULES: dict[str, Rule] = {
    "precision": precision,
    "batch": batch,
    "workers": workers,
    "lr": lr,
    "body_lr": body_lr,
    "freeze": freeze,
}
TIME_RULES: dict[str, Rule] = {"epochs": epochs, "validate_every": validate_every, "average": average}
