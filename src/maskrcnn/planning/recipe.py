"""The settings of a training, each a flag, and what follows from them: schedule, augmentation, changes to the model."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, Literal

from tyro.conf import arg

from maskrcnn.checks import at_least, between, listed
from maskrcnn.config import ModelConfig
from maskrcnn.errors import UsageError
from maskrcnn.training.fit_config import FitConfig

if TYPE_CHECKING:  # flags must not wait for torch
    from maskrcnn.data.transforms.augment import AugmentConfig

Axes = {"x": 0, "y": 1, "z": 2}
OWN = "(default: planned; off: the starting model's own)"
Planned = arg(help_behavior_hint=lambda default: f"(default: planned; off: {default})")
Own = Annotated[int | None, arg(metavar="INT", help_behavior_hint=OWN)]
STRIDES = {16: (4, 4), 8: (2, 4), 4: (2, 2), 2: (1, 2), 1: (1, 1)}  # finest stride: the body's first two reductions
MEANINGS = ("auto", "instances", "parts", "classes")  # of numbers in label volumes; all else is the path of a table
SMALLEST_IMAGE = 32  # pixels: below, the coarsest level of a pyramid has nothing to see


@dataclass(frozen=True)
class Recipe:
    """Each part of it can be switched on its own."""

    epochs: Annotated[int, Planned] = 20
    """Times that each image is seen."""
    lr: Annotated[float, Planned] = 6e-4
    """Learning rate of the heads for steps of 8 images; it is scaled to the real --batch."""
    batch: Annotated[int, Planned] = 8
    """Images in a step, of all processes together."""
    accumulate: int = 1
    """Work on each batch in this many parts, one after another: the same gradients in less memory."""
    precision: Annotated[Literal["fp32", "bf16"], Planned] = "fp32"
    """Of forward passes while training; bf16 is faster on processors and cards that know it."""
    optimizer: Literal["adamw", "sgd"] = "adamw"
    """How gradients become steps."""
    schedule: Literal["cosine", "step", "constant"] = "cosine"
    """How the learning rate falls."""
    body_lr: Annotated[float, Planned] = 0.2
    """Factor on the learning rate for the backbone's body; 0 leaves it as it is."""
    class_names: Annotated[tuple[str, ...], arg(metavar="NAME [...]", help_behavior_hint="(default: the data's)")] = ()
    """What the classes are called, in the order of the data: for label maps, which have no names."""
    labels: Annotated[str, arg(metavar="FILE.csv|auto|instances|parts|classes")] = "auto"
    """A table with a class, several (a;b) or a number for each file as a whole: FILE.csv or FILE.csv:COLUMN. Or, of
    scans, what the numbers in their label volumes are: objects; classes of which each connected part is an object; or
    classes that are one object each, as organs are."""
    freeze: Annotated[Literal["early", "none", "all"], Planned] = "early"
    """Layers of a pre-trained body that do not learn."""
    average: Annotated[float, Planned] = 0.998
    """Decay of the weights' moving average, which is what is validated and kept; 0 keeps the weights as they are."""
    patience: int = 0
    """Stop after this many validations without a better one; 0: never."""
    validate_every: Annotated[int, Planned] = 1
    """Epochs between validations."""
    seed: int = 0
    """Everything random follows from it."""
    workers: Annotated[int, Planned] = 1
    """Processes that load images ahead."""
    image_size: Own = None
    """Longer side in pixels that images are resized to."""
    crop_size: Annotated[
        int | None, arg(metavar="INT", help_behavior_hint="(default: planned; off: the image size)")
    ] = None
    """Side of the training samples, cut from images of that size; of files with a spacing the window that is seen
    at once, in samples of the model."""
    spacing: Annotated[
        tuple[float, ...], arg(metavar="FLOAT [...]", help_behavior_hint="(default: the data's median; sound: 0.01)")
    ] = ()
    """Seconds, millimetres or bases from one of the model's samples to the next, x first; files are resampled."""
    window: Annotated[
        tuple[int, ...], arg(metavar="INT [...]", help_behavior_hint="(default: as long along each axis)")
    ] = ()
    """Of scans the samples of that window along each axis, x first, where --crop-size along all is more than a scan
    has."""
    scale: Annotated[tuple[float, float], Planned] = (0.6, 1.6)
    """Smallest and largest random factor on the size of a training image; 1 1 for none."""
    flip: Annotated[tuple[Literal["x", "y", "z"], ...], Planned] = ("x",)
    """Axes that are mirrored in half of the samples."""
    colour: Annotated[float, Planned] = 0.2
    """Largest relative change of brightness, contrast and saturation."""
    gamma: Annotated[float, Planned] = 0.0
    """Largest change of gamma, in powers of 2."""
    grey: Annotated[float, Planned] = 0.0
    """Part of the samples that lose their colours."""
    stretch: Annotated[bool, Planned] = False
    """Spread the range of brightness of each image over the whole range first, as microscopes need it."""
    invert: Annotated[float, Planned] = 0.0
    """Part of the samples whose light and dark are exchanged, or recordings that are turned upside down."""
    gain: Annotated[float, Planned] = 0.0
    """Files with a spacing: largest change of the amplitude, in powers of 2; of sound also of the bands, one by one."""
    hidden_bands: Annotated[int, Planned] = 0
    """Sound: most neighbouring mel bands that are hidden, twice in each sample."""
    noise: Annotated[float, Planned] = 0.0
    """Files with a spacing: most noise that is added, in deviations of the channel."""
    drift: Annotated[float, Planned] = 0.0
    """Files with a spacing: largest slow wave that is added, in deviations of the channel."""
    copy_paste: Annotated[float, Planned] = 0.0
    """Part of the samples into which objects of another image are pasted."""
    repeat_rare: float = 0.0
    """Show images of rare classes more often: those of classes that are in less than this part of the images, by the
    root of how much less (repeat-factor sampling); 0: each image once an epoch."""
    box_loss: Literal["smooth_l1", "giou"] = "smooth_l1"
    """What is compared of boxes: their deltas or their overlap."""
    proposals: Own = None
    """Proposals of one image that the losses look at."""
    smallest_anchor: Own = None
    """Size in pixels of the anchors of the finest level; each further level doubles it."""
    anchor_ratio: Annotated[float | None, arg(metavar="FLOAT", help_behavior_hint=OWN)] = None
    """Longest side over shortest of the two elongated anchors of each place."""
    finest_stride: Own = None
    """Pixels between the places of the finest features: 4, or 2 for objects of a few pixels (four times the work); of
    recordings 1 to 16 samples."""
    mask_size: Own = None
    """Bins along a side that masks are read from; a mask has twice as many."""
    sharp: Annotated[Literal["auto", "off"], Planned] = "auto"
    """Look at each object again from close up for its mask, where the model to start from does; off: never."""
    max_detections: Own = None
    """Most objects that may be found in one image."""
    agnostic_boxes: Annotated[bool, Planned] = False
    """One box for all classes instead of one a class."""
    agnostic_masks: Annotated[bool, Planned] = False
    """One mask for all classes instead of one a class."""
    task: Annotated[Literal["instances", "semantic", "whole"], Planned] = "instances"
    """What is learned: to find objects, to tell the class of every sample (class maps are planned for that), or what
    whole files are (with --labels FILE.csv)."""
    semantic_from_instances: bool = False
    """Make class maps of the labelled objects: with --task instances the model tells the class of every sample too."""
    class_weights: Annotated[Literal["none", "frequency"], Planned] = "none"
    """Semantic: whether samples of rare classes count more."""
    dice: Annotated[float, Planned] = 0.0
    """Semantic: weight of the Dice loss beside the cross entropy; 0: none."""
    hardest: Annotated[float, Planned] = 1.0
    """Semantic: part of an image's samples, those that are told worst, from which is learned; 1: all."""
    finer: Annotated[int, Planned] = 0
    """Semantic: channels of a skip from the body's first resolution, for finer borders; 0: none."""
    semantic_width: Own = None
    """Semantic: channels of the branch that tells classes."""
    semantic_norm: Annotated[Literal["batch", "group"] | None, arg(metavar="batch|group", help_behavior_hint=OWN)] = (
        None
    )
    """Semantic: norm of that branch; with batch, for steps of four images and more, tiles are told as the whole is."""

    places: Own = None
    """Whole files: samples of the model from one place that is judged to the next, at least."""
    whole_width: Own = None
    """Whole files: channels in which a place is judged."""

    def check(self) -> None:
        """Raise UsageError for what cannot be."""
        at_least("epochs", self.epochs, 1)
        between("lr", self.lr, 1e-9, 10)
        at_least("batch", self.batch, 1)
        at_least("accumulate", self.accumulate, 1)
        between("body-lr", self.body_lr, 0, 10)
        between("average", self.average, 0, 0.999999)
        at_least("patience", self.patience, 0)
        at_least("validate-every", self.validate_every, 1)
        at_least("seed", self.seed, 0)
        at_least("workers", self.workers, 0)
        at_least("image-size", self.image_size, SMALLEST_IMAGE)
        at_least("crop-size", self.crop_size, SMALLEST_IMAGE)
        for side in self.window:
            at_least("window", side, 1)
        at_least("proposals", self.proposals, 4)
        at_least("smallest-anchor", self.smallest_anchor, 1)
        at_least("anchor-ratio", self.anchor_ratio, 1)
        at_least("mask-size", self.mask_size, 2)
        at_least("max-detections", self.max_detections, 1)
        if self.finest_stride is not None and self.finest_stride not in STRIDES:
            raise UsageError(f"--finest-stride must be 16, 8, 4, 2 or 1, not {self.finest_stride}.")
        between("dice", self.dice, 0, 100)
        between("hardest", self.hardest, 0.001, 1)
        at_least("finer", self.finer, 0)
        at_least("semantic-width", self.semantic_width, 1)
        at_least("places", self.places, 1)
        if self.labels not in MEANINGS and not re.search(r"\.(csv|tsv|txt)(:.+)?$", self.labels, re.IGNORECASE):
            raise UsageError(
                f"--labels takes a table, FILE.csv, or of scans {listed(MEANINGS, 'or')}, not {self.labels}."
            )
        at_least("whole-width", self.whole_width, 1)
        for flag in ("colour", "grey", "invert", "copy_paste", "repeat_rare"):
            between(flag.replace("_", "-"), getattr(self, flag), 0, 1)
        for flag in ("gamma", "gain", "noise", "drift"):
            between(flag, getattr(self, flag), 0, 4)
        at_least("hidden-bands", self.hidden_bands, 0)
        for spacing in self.spacing:
            between("spacing", spacing, 1e-9, 1e9)
        low, high = self.scale
        if not 0.01 <= low <= high <= 100:
            raise UsageError(f"--scale takes a smaller and a larger factor, as in --scale 0.5 2, not {low} {high}.")

    def fit_config(self, pretrained: bool) -> FitConfig:
        """The schedule; a body that begins with random weights learns as fast as the rest, whole."""
        frozen = self.freeze if pretrained else "none"
        return FitConfig(
            epochs=self.epochs,
            batch_size=self.batch,
            lr=self.lr,
            body_lr=self.body_lr,
            freeze_body=frozen == "all",
            freeze_early=frozen == "early",
            optimizer=self.optimizer,
            schedule=self.schedule,
            average=self.average,
            seed=self.seed,
            workers=self.workers,
            validate_every=self.validate_every,
            accumulate=self.accumulate,
            bf16=self.precision == "bf16",
            patience=self.patience,
            repeat_rare=self.repeat_rare,
        )

    def augment(self, config: ModelConfig) -> AugmentConfig:
        """What is varied about the samples of a model of ``config``."""
        from maskrcnn.data.transforms.augment import AugmentConfig
        from maskrcnn.data.transforms.regrid import window_shape

        size = config.preprocess.max_size
        crop = self.crop_size or size
        low, high = self.scale
        return AugmentConfig(
            size=(crop,) * config.ndim
            if config.preprocess.spacing is None
            else window_shape(config.preprocess, config.ndim),
            scale_range=(low * size / crop, high * size / crop) if config.preprocess.spacing is None else (low, high),
            flip_axes=tuple(sorted({Axes[name] for name in self.flip if Axes[name] < config.ndim})),
            brightness=self.colour,
            contrast=self.colour,
            saturation=self.colour,
            gamma=self.gamma,
            grey=self.grey,
            invert=self.invert,
            gain=self.gain,
            hidden_bands=self.hidden_bands,
            noise=self.noise,
            drift=self.drift,
            copy_paste=self.copy_paste,
            pad=config.whole_head is None,
        )


def remembered(values: dict[str, Any]) -> Recipe:
    """The recipe that a checkpoint's notes hold. Raises TypeError where they hold something else."""
    plain: dict[str, Any] = {name: tuple(v) if isinstance(v, list) else v for name, v in values.items()}
    return Recipe(**plain)
