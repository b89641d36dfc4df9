"""Decisions for models that tell the class of every sample; about steps, time and colours those of all models hold."""

from __future__ import annotations

from maskrcnn.planning.rules import grid as grid_rules
from maskrcnn.planning.rules import model as model_rules
from maskrcnn.planning.rules import training as training_rules
from maskrcnn.planning.situation import Choice, Rule, Situation

LARGEST_ON_CPU, LARGEST_ON_GPU = 512, 1024  # longer sides of images
SHOWN = 2 / 3  # of the longer side: what a crop shows of an image
WIDEST = 64  # channels of the branch
LEARNING_RATE = 2e-3  # for 8 images in a step
ENOUGH_FOR_BATCH_NORM = 4  # images in a step
RARE = 0.02  # part of the samples below which a class is rare
OBJECT_RULES = (
    *("smallest_anchor", "anchor_ratio", "mask_size", "sharp", "max_detections", "proposals"),
    *("agnostic_masks", "agnostic_boxes"),
)  # what a model without boxes has no use for


def image_size(s: Situation) -> Choice:
    side = s.data.side()
    largest = LARGEST_ON_GPU if s.on_gpu() else LARGEST_ON_CPU
    size = model_rules.to_grid(min(side, largest))
    if side > largest:
        return Choice(size, f"images are {side:.0f}; more than {largest} is more than this device can work through")
    return Choice(size, f"images are {side:.0f}: every pixel is told at its own size")


def crop_size(s: Situation) -> Choice:
    crop = max(model_rules.to_grid(SHOWN * s.chosen["image_size"]), 2 * model_rules.GRID)
    return Choice(crop, "crops of two thirds of the longer side, each round a pixel of a class that is drawn first")


def scale(s: Situation) -> Choice:
    return Choice((0.7, 1.8), "from near and far; smaller, an image would no longer fill its crop")


def colour(s: Situation) -> Choice:
    return Choice(0.4, "weather, light and camera change all of a picture: more than where objects are looked for")


def gamma(s: Situation) -> Choice:
    return Choice(0.4, "from bright to dim, as days are")


def flip(s: Situation) -> Choice:
    choice = training_rules.flip(s)
    return choice if choice.value != ("x", "y") else Choice(("x",), "left and right are alike in most pictures")


def copy_paste(s: Situation) -> Choice:
    return Choice(0.0, "what is what follows from what is beside it")


def rarest(s: Situation) -> tuple[str, float]:
    """The rarest class and its part of the labelled samples."""
    shares = s.data.shares()
    return shares[0] if shares else ("", 1.0)


def class_weights(s: Situation) -> Choice:
    name, share = rarest(s)
    if share < RARE:
        return Choice("frequency", f"{name} is {share:.1%} of the labelled samples: rare classes count more")
    return Choice("none", f"the rarest class, {name}, is {share:.0%} of the labelled samples")


def dice(s: Situation) -> Choice:
    if not s.data.files.is_picture:
        return Choice(1.0, "beside the cross entropy: organs and waves are small beside what is round them")
    return Choice(0.0, "the cross entropy alone")


def hardest(s: Situation) -> Choice:
    return Choice(1.0, "every labelled sample counts")


def finer(s: Situation) -> Choice:
    if s.start.semantic_head is not None:
        return Choice(s.start.semantic_head.finer, "the starting model's own")
    if s.data.files.is_picture:
        return Choice(16, "channels of a skip at half of the image's resolution, for what is a few pixels wide")
    return Choice(0, "the finest features are fine enough")


def semantic_width(s: Situation) -> Choice:
    if s.start.semantic_head is not None:
        return Choice(s.start.semantic_head.widths[0], "the starting model's own")
    width = min(s.start.backbone.fpn_channels, WIDEST)
    return Choice(width, "channels of the branch: on the finest grids more would take most of the time")


def lr(s: Situation) -> Choice:
    if s.start_names and s.start.semantic_head is None and s.data.files.is_picture:
        return Choice(LEARNING_RATE, "a new branch has more to learn than heads that come with their model")
    return training_rules.lr(s)


def semantic_norm(s: Situation) -> Choice:
    if s.start.semantic_head is not None:
        return Choice(None, "the starting model's own")
    if s.data.files.is_picture and s.chosen["batch"] >= ENOUGH_FOR_BATCH_NORM:
        return Choice("batch", f"steps of {s.chosen['batch']} images tell what is usual, and tiles are as the whole is")
    return Choice("group", "each file by itself: steps have too few of them to tell what is usual")


OWN: dict[str, Rule] = {
    "class_weights": class_weights,
    "dice": dice,
    "hardest": hardest,
    "finer": finer,
    "semantic_width": semantic_width,
}
PICTURE_RULES: dict[str, Rule] = {
    "image_size": image_size,
    "crop_size": crop_size,
    "finest_stride": model_rules.finest_stride,
    **OWN,
    **training_rules.VARY_RULES,
    "scale": scale,
    "flip": flip,
    "colour": colour,
    "gamma": gamma,
    "copy_paste": copy_paste,
    **training_rules.STEP_RULES,
    "lr": lr,
    "semantic_norm": semantic_norm,
}
GRID_RULES: dict[str, Rule] = {
    **{name: rule for name, rule in grid_rules.GRID_RULES.items() if name not in OBJECT_RULES},
    **OWN,
    "semantic_norm": semantic_norm,
}
