"""Decisions about the model: where it starts, how large it sees, which anchors it has, how much it may find.

Each rule gives a value and its reason. The numbers come from the recipes of the shipped models (docs/training.md).
"""

from __future__ import annotations

import numpy as np

from maskrcnn.config import AnchorConfig
from maskrcnn.planning.adaptation import elongated
from maskrcnn.planning.anchor_overlap import best_overlaps
from maskrcnn.planning.situation import Choice, Rule, Situation
from maskrcnn.pretrained import DEFAULT_MODEL, shipped_models

SMALL_OBJECT = 12  # pixels that nine tenths of the objects should have at least: three cells of the finest stride
USUAL_SIZE, LARGE_OBJECT_SIZE = 416, 384  # longer sides that the shipped models learned from
LARGEST_ON_CPU, LARGEST_ON_GPU = 800, 1280
MOST_ENLARGED = 2.0  # times: more adds pixels, not detail
GRID = 32  # pixels: image sizes are multiples of the coarsest stride of the body
ANCHOR_SIZES, ANCHOR_RATIOS = (4, 6, 8, 12, 16, 24, 32), (2.0, 3.0, 4.0)
WORTH_CHANGING = 0.02  # part of the objects that other anchors must gain to be worth relearning the RPN for
PERSONS = {"person", "persons", "people", "human", "pedestrian"}
FEW_EXAMPLES = 1000  # objects of a class below which one mask and one box for all classes are learned better


def model(s: Situation) -> Choice:
    there = shipped_models()
    if s.data.has_keypoints and "people" in there:
        return Choice("people", "keypoints are labelled, and of the shipped models this one has a head for them")
    if s.microscopy() and "nuclei" in there:
        reason = f"grey pictures with a median of {s.data.crowded():.0f} small objects look like microscopy"
        return Choice("nuclei", f"{reason}, which this shipped model knows")
    if {name.strip().lower() for name in s.data.class_names} <= PERSONS and "people" in there:
        return Choice("people", "photos of persons, of which this shipped model has seen most")
    return Choice(DEFAULT_MODEL, "photos: this shipped model knows 80 kinds of things, and finds new ones sooner")


def largest_size(side: float, on_gpu: bool) -> float:
    """The largest image size that is planned for images of ``side`` pixels."""
    return min(LARGEST_ON_GPU if on_gpu else LARGEST_ON_CPU, max(MOST_ENLARGED * side, 2 * GRID))


def image_size(s: Situation) -> Choice:
    side, small = s.data.side(), s.data.sizes(10)
    usual = LARGE_OBJECT_SIZE if s.large_objects() else USUAL_SIZE
    largest = largest_size(side, s.on_gpu())
    needed = SMALL_OBJECT / max(small, 1e-6)
    size = to_grid(min(max(usual, needed), largest))
    at_size = f"at {size} the smallest tenth of the objects is under {small * size:.0f} pixels"
    if needed > largest:
        own = f"twice the images' own {side:.0f}"
        limit = own if largest == MOST_ENLARGED * side else "what this device can work through"
        return Choice(size, f"{at_size}; {needed:.0f} would give them {SMALL_OBJECT}, but {limit} is the limit")
    if needed > usual:
        return Choice(size, f"{at_size}; images are {side:.0f}")
    return Choice(size, f"{at_size}, so no larger one is needed; images are {side:.0f}")


def crop_size(s: Situation) -> Choice:
    size = s.chosen["image_size"]
    if s.large_objects():
        return Choice(size, f"the median object takes {s.data.sizes(50):.0%} of the image's side: crops would cut it")
    crop = max(to_grid(0.8 * size), 2 * GRID)
    return Choice(crop, "crops of four fifths of the side cost two thirds of the time and show objects whole")


def finest_stride(s: Situation) -> Choice:
    finest = s.start.backbone.finest_stride()
    strides = ", ".join(str(finest * 2**k) for k in range(5))
    why = "which the weights know; small objects are met by a larger image"
    return Choice(finest, f"features at strides {strides}, {why}")


def anchors(s: Situation) -> tuple[Choice, Choice]:
    """Size of the finest level's anchors, and longest side over shortest of the elongated ones."""
    own = s.start.anchors
    given_size, given_ratio = s.chosen.get("smallest_anchor"), s.chosen.get("anchor_ratio")
    own_size, own_ratio = own.sizes[0][0], max(max(shape) / min(shape) for shape in own.shapes)
    sizes = (given_size,) if given_size is not None else dict.fromkeys((own_size, *map(float, ANCHOR_SIZES)))
    ratios = (given_ratio,) if given_ratio is not None else dict.fromkeys((own_ratio, *ANCHOR_RATIOS))
    boxes = s.data.boxes * s.chosen["image_size"]
    levels = len(own.sizes)
    pairs = [(size, ratio) for size in sizes for ratio in ratios]
    covers = {pair: coverage(boxes, *pair, levels, s.chosen.get("finest_stride") or 4) for pair in pairs}
    before = covers[pairs[0]]
    best = max(pairs, key=lambda pair: covers[pair])
    chosen = best if covers[best][0] >= before[0] + WORTH_CHANGING else pairs[0]
    share, mean = covers[chosen]
    reason = (
        f"{share:.0%} of the objects have an anchor of IoU 0.5 at {s.chosen['image_size']} pixels (mean {mean:.2f})"
    )
    if chosen == pairs[0]:
        why = "the starting model's own, and no other is better by 2 %"
    else:
        why = f"against {before[0]:.0%} with {pairs[0][0]:g} and {pairs[0][1]:g}"
    size_reason = f"finest level's anchors in pixels, doubled each level: {reason}; {why}"
    return Choice(_whole(chosen[0]), size_reason), Choice(round(chosen[1], 2), "longest side over shortest of anchors")


def smallest_anchor(s: Situation) -> Choice:
    return anchors(s)[0]


def anchor_ratio(s: Situation) -> Choice:
    choice = anchors(s)[1]
    tall = np.sort(s.data.boxes, 1) if len(s.data.boxes) else np.ones((1, 2))
    slim = float(np.percentile(tall[:, 1] / np.maximum(tall[:, 0], 1e-9), 90))
    return Choice(choice.value, f"{choice.reason}; a tenth of the objects is longer than {slim:.1f} times its width")


def coverage(
    boxes: np.ndarray, smallest: float, ratio: float, levels: int = 5, stride: float = 4.0
) -> tuple[float, float]:
    """Measure how well anchors cover labelled boxes.

    Args:
        boxes: ``[T, 2]``, widths and heights in pixels of the network's input.
        smallest: size of the anchors of the finest level, in pixels.
        ratio: longest side over shortest of the two elongated anchors.
        levels: of the pyramid.
        stride: of the finest level, in pixels.

    Returns:
        Part of the boxes that some anchor meets with an IoU of 0.5, and the mean of the best IoU.
    """
    if not len(boxes):
        return 1.0, 1.0
    anchors = AnchorConfig(tuple((smallest * 2**level,) for level in range(levels)), elongated(ratio))
    best = best_overlaps(boxes, anchors, stride)
    return float((best >= 0.5).mean()), float(best.mean())


def mask_size(s: Situation) -> Choice:
    bins = s.start.mask_head.pool.output_size if s.start.mask_head else 14
    pixels = s.data.sizes(50) * s.chosen["image_size"] / (2 * bins)
    if not s.data.has_masks:
        return Choice(bins, "not used: the data have no masks")
    reason = f"masks of {2 * bins} x {2 * bins} bins: one is {pixels:.1f} pixels of the median object"
    return Choice(bins, f"{reason}; as the starting model learned them")


def sharp(s: Situation) -> Choice:
    if s.start.closeup_mask_head is None:
        return Choice("off", "the starting model has no head that looks at objects from close up")
    if not s.data.has_masks:
        return Choice("off", "not used: the data have no masks")
    return Choice("auto", "the starting model looks at each object again for a sharper mask, and learns on")


def max_detections(s: Situation) -> Choice:
    cap = max(100, 2 * s.data.most_objects)
    return Choice(
        cap, f"the fullest image has {s.data.most_objects} objects; the cap must never end a list of true ones"
    )


def proposals(s: Situation) -> Choice:
    full = float(np.percentile(s.data.objects, 90)) if len(s.data.objects) else 0.0
    if full > 16:
        return Choice(128, f"a tenth of the images has more than {full:.0f} objects, of which a quarter of these learn")
    return Choice(
        64, f"nine tenths of the images have {full:.0f} objects or fewer, and a quarter of these are for objects"
    )


def agnostic_masks(s: Situation) -> Choice:
    return _agnostic(s, "mask", s.start.mask_head is not None and s.start.mask_head.class_agnostic)


def agnostic_boxes(s: Situation) -> Choice:
    return _agnostic(s, "box", s.start.box_head.class_agnostic)


def _agnostic(s: Situation, what: str, already: bool) -> Choice:
    count, known = len(s.data.class_names), len(set(s.start_names) & set(s.data.class_names))
    if already:
        return Choice(True, f"the starting model has one {what} for all classes, and it stays learned")
    if s.start_names == s.data.class_names:
        return Choice(False, "the classes are the starting model's own, and all that it learned stays")
    if s.start_names and s.start.num_classes == 1:
        return Choice(True, f"one {what} for all classes: so what the starting model learned of it stays")
    if known * 2 >= count > 0:
        return Choice(False, f"the starting model knows {known} of the {count} classes, each with a {what} of its own")
    if s.class_examples() < FEW_EXAMPLES:
        return Choice(
            True, f"one {what} for all {count} classes: the median class has {s.class_examples():.0f} objects"
        )
    return Choice(False, f"the median class has {s.class_examples():.0f} objects, enough for a {what} of its own")


def to_grid(size: float) -> int:
    """The nearest multiple of the coarsest stride, one at least."""
    return max(GRID, round(size / GRID) * GRID)


def _whole(value: float) -> int:
    return max(1, round(value))


MODEL_RULES: dict[str, Rule] = {
    "image_size": image_size,
    "crop_size": crop_size,
    "finest_stride": finest_stride,
    "smallest_anchor": smallest_anchor,
    "anchor_ratio": anchor_ratio,
    "mask_size": mask_size,
    "sharp": sharp,
    "max_detections": max_detections,
    "proposals": proposals,
    "agnostic_masks": agnostic_masks,
    "agnostic_boxes": agnostic_boxes,
}
