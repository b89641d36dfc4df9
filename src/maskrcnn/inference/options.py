"""What a call of a predictor wants, as a frozen record that travels with the call, and what that means for a model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from maskrcnn.checks import closest
from maskrcnn.config import DetectionConfig, PreprocessConfig
from maskrcnn.data.transforms.regrid import window_shape
from maskrcnn.errors import UsageError
from maskrcnn.inference.tiling.options import OVERLAP
from maskrcnn.inference.tiling.tiles import Tiling, choose_tiling
from maskrcnn.model_info import ModelInfo


@dataclass(frozen=True)
class PredictOptions:
    """What is kept of what a model finds, and how it looks.

    Attributes:
        score: objects that score less (0..1) are left out; None: the model's own threshold, which is low.
        max_detections: best objects of an image that are kept, or of each of its tiles; None: the model's own number.
        image_size: longer side that images are resized to, in samples; None: the model's own.
        tile: longest side of a tile in samples of the file, for images that are longer; ``"auto"``: what the model's
            header says, for images of more than 1.5 times that; ``"off"``: no image is cut.
        overlap: the part of a tile that neighbours share; an object up to that size is always seen whole.
        flip: look at the mirror image too: better, and takes twice as long.
        classes: names of the classes to keep; empty: all.
        mask_threshold: a sample belongs to an object from this probability (0..1) on.
        sharp: objects are looked at again from close up for their masks, by models that have a head for it.
        raw_masks: islands of a mask are kept; else, of pictures, the largest connected part alone.
        surface: it is looked where on its surface each object is seen, by models that have a head for it.
        appearance: objects have ``outputs["appearance"]``, ``[N, E]``: numbers that are alike where objects look alike.
    """

    score: float | None = 0.5
    max_detections: int | None = None
    image_size: int | None = None
    tile: int | str = "auto"
    overlap: float = OVERLAP
    flip: bool = False
    classes: tuple[str, ...] = ()
    mask_threshold: float = 0.5
    sharp: bool = True
    raw_masks: bool = False
    surface: bool = True
    appearance: bool = False


SHARP = "closeup_mask"  # the head that makes masks sharp
SURFACE = "surface"
IMAGES = 2  # dimensions of what is drawn in one piece: a wave of a recording may well have a gap
SHOWN = PredictOptions()
AS_THE_MODEL_SAYS = PredictOptions(score=None)


@dataclass(frozen=True)
class Settings:
    """Options as they apply to one model.

    Attributes:
        labels: of the classes that are kept, 1..K; None: all.
        without: heads that are not asked, by name.
        in_one_piece: of each mask the largest connected part is kept.
        appearance: whether objects get numbers of what they look like.
    """

    detection: DetectionConfig
    preprocess: PreprocessConfig
    tiling: Tiling | None
    flip: bool
    labels: tuple[int, ...] | None
    mask_threshold: float
    without: frozenset[str] = frozenset()
    in_one_piece: bool = False
    appearance: bool = False

    def with_score(self, score: float) -> Settings:
        """The same with another threshold."""
        return replace(self, detection=replace(self.detection, score_threshold=score))


def settings_of(options: PredictOptions, info: ModelInfo) -> Settings:
    """What ``options`` mean for the model of ``info``.

    Raises:
        UsageError: a class that the model does not know, or see :func:`maskrcnn.inference.tiling.tiles.choose_tiling`.
    """
    detection, preprocess = info.config.detection, info.config.preprocess
    if options.score is not None:
        detection = replace(detection, score_threshold=options.score)
    if options.max_detections is not None:
        detection = replace(detection, max_detections=options.max_detections)
    if options.image_size is not None:
        preprocess = replace(preprocess, min_size=options.image_size, max_size=options.image_size)
    return Settings(
        detection,
        preprocess,
        choose_tiling(options.tile, options.overlap, _tile_notes(info)),
        options.flip,
        labels_of(options.classes, info.class_names),
        options.mask_threshold,
        frozenset(head for head, asked in ((SHARP, options.sharp), (SURFACE, options.surface)) if not asked),
        info.config.ndim == IMAGES and not options.raw_masks,
        options.appearance,
    )


def number_sentence(number: str, class_names: Sequence[str]) -> str:
    """What is said where a class is named by a number, which COCO's users count from 0 or from its own ids."""
    k = int(number)
    meant = f"; number {number}, counted from 0, is {class_names[k]}" if k < len(class_names) else ""
    return f"Classes are named, not numbered{meant}. The model knows {', '.join(class_names)}."


def labels_of(classes: Sequence[str], class_names: Sequence[str]) -> tuple[int, ...] | None:
    """The labels (1..K) of ``classes``; None where none is named, which means all.

    Raises:
        UsageError: a class that the model does not know.
    """
    unknown = [name for name in classes if name not in class_names]
    if unknown:
        numbers = [name for name in unknown if str(name).isdecimal()]
        if numbers:
            raise UsageError(number_sentence(numbers[0], class_names))
        near = closest(unknown[0], class_names)
        hint = f"did you mean {near}? Its" if near else "its"
        raise UsageError(f"The model does not know {', '.join(unknown)}; {hint} classes are {', '.join(class_names)}.")
    return tuple(k for k, name in enumerate(class_names, 1) if name in classes) if classes else None


def _tile_notes(info: ModelInfo) -> dict[str, object]:
    """What the header says of tiles; a model with a grid of its own cuts files into windows as it learned from."""
    p = info.config.preprocess
    return info.notes if p.spacing is None else {"tile": max(window_shape(p, info.config.ndim))} | info.notes
