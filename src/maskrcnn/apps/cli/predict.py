"""maskrcnn predict"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import tyro
from tyro.conf import arg

from maskrcnn.apps.cli.console import DEFAULT_HINT, MaxPixels, ModelsOwn, say, tell_failures
from maskrcnn.checkpoints.lookup import check_model_name
from maskrcnn.checks import (
    at_least,
    between,
    counted,
    no_file,
    not_among_inputs,
    only_for_pictures,
    usable_device,
)
from maskrcnn.data.parsing.paths import is_something
from maskrcnn.errors import UsageError
from maskrcnn.inference.tiling.options import OVERLAP, check_tiles
from maskrcnn.planning.recipe import SMALLEST_IMAGE

if TYPE_CHECKING:  # flags must not wait for torch
    from maskrcnn.inference.predictor import Predictor
    from maskrcnn.inference.results.outcome import Outcome


@dataclass(frozen=True)
class Predict:
    """Find, name and outline the objects in images, recordings or scans; writes pictures, predictions.json and
    summary.csv."""

    inputs: Annotated[
        tuple[Path, ...], tyro.conf.Positional, arg(metavar="FILE|FOLDER [...]", help_behavior_hint="(required)")
    ] = ()
    """Images, recordings (WFDB, EDF, WAV, FLAC, csv, npz, FASTA, GenBank) or scans (NIfTI, DICOM series, NRRD,
    MetaImage, TIFF stacks, npz), or folders of them (with their subfolders)."""
    out: Path = Path("out")
    """Folder for the results; never read as input."""
    model: Annotated[str | None, arg(metavar="NAME|FILE", help_behavior_hint=DEFAULT_HINT)] = None
    """Shipped model, model file (.safetensors, or torchvision's or detectron2's own), or coco, coco-v2, coco-keypoints,
    which torchvision publishes and which are fetched once; `maskrcnn models` lists them."""
    score: float = 0.5
    """Objects with a lower score (0..1) are left out."""
    classes: Annotated[tuple[str, ...], arg(metavar="NAME [...]", help_behavior_hint="(default: all)")] = ()
    """Only these classes of those that the model knows."""
    max_detections: ModelsOwn = None
    """Most objects in one image."""
    image_size: ModelsOwn = None
    """Longer side in pixels that images are resized to for the model; larger finds smaller objects, slower."""
    tile: str = "auto"
    """Cut images that are longer into overlapping tiles of this many pixels; auto: as the model says; off: never."""
    overlap: float = OVERLAP
    """Part of a tile that neighbours share; objects up to that size are always seen whole."""
    flip: bool = False
    """Look at the mirror image of each image too: better, and takes twice as long."""
    max_pixels: MaxPixels = None
    """Open no file of more pixels, voxels or samples than this: its header is asked before it is unpacked. By default
    what fits into free memory, and into 1.25 GiB where a file packs more than 64 of them into a byte."""
    device: str = "cpu"
    """cpu, cuda or mps."""
    batch: int = 1
    """Images that run together."""
    label_maps: bool = False
    """Also write 16-bit PNGs: object numbers (NAME.instances.png) and class numbers (NAME.classes.png). Of scans label
    volumes are always written."""
    cutouts: bool = False
    """Also write each object as a file of its own into cutouts/: a picture's pixels on a transparent
    background, a recording's samples as a clip, a scan's voxels as a small scan."""

    explain: bool = False
    """Also draw what convinced the model of each object: NAME_evidence.png, some seconds an object."""
    explain_most: int = 4
    """With --explain: objects of an image, the strongest first."""

    def run(self) -> int:
        inputs, failures = self.check()  # before anything loads torch, so that a slip costs no seconds
        from maskrcnn.jobs.models import load_predictor
        from maskrcnn.modalities.inputs import default_model, find_inputs, left_aside

        predictor = load_predictor(self.model or default_model(inputs, self.out), self.device, say)
        paths, what = find_inputs(inputs, predictor.info, exclude=self.out)
        aside = left_aside(inputs, paths, what, self.out)
        if not paths:
            nothing = f"There are no {what}s in {', '.join(map(str, self.inputs))}; {aside}".rstrip("; ")
            raise UsageError(" ".join(failures) or (nothing if aside else f"{nothing}."))
        predictor = predictor.with_options(
            score=self.score, image_size=self.image_size, tile=self.tile, overlap=self.overlap, flip=self.flip
        )
        outcome = self.predict_all(predictor, paths, what)
        for note in [*outcome.notes, *([aside] if aside else [])]:
            say(f"note: {note}")
        also = "; each object of its own is in its folder cutouts" if self.cutouts else ""
        pictures = "label volumes, pictures" if what == "scan" else "pictures"
        print(
            f"{counted(sum(outcome.counts.values()), 'object')} in {counted(len(outcome.counts), what)}; {pictures}, "
            f"predictions.json and summary.csv are in {self.out}{also}"
        )
        return tell_failures(failures + outcome.failures)

    def check(self) -> tuple[list[Path], list[str]]:
        """The inputs that are there, and a sentence for each of the others.

        Raises:
            UsageError: flags that cannot be followed, or no input at all.
        """
        if not self.inputs:
            raise UsageError("Name an image or a folder first, as in `maskrcnn predict PHOTO --out out`.")
        between("score", self.score, 0, 1)
        at_least("max-detections", self.max_detections, 1)
        at_least("image-size", self.image_size, SMALLEST_IMAGE)
        at_least("batch", self.batch, 1)
        at_least("explain-most", self.explain_most, 1)
        check_tiles(self.tile, self.overlap)
        if self.model is not None:
            check_model_name(self.model)
        inputs = [path for path in self.inputs if is_something(path)]
        failures = [f"{path} does not exist." for path in self.inputs if not is_something(path)]
        if not inputs:
            raise UsageError(" ".join(failures))
        no_file(self.out)
        not_among_inputs(self.out, inputs)
        usable_device(self.device)
        return inputs, failures

    def predict_all(self, predictor: Predictor, paths: Sequence[Path], what: str) -> Outcome:
        if what == "image":
            return self.predict_images(predictor, paths)
        return self.predict_volumes(predictor, paths) if what == "scan" else self.predict_signals(predictor, paths)

    def predict_images(self, predictor: Predictor, paths: Sequence[Path]) -> Outcome:
        from maskrcnn.modalities.images.predict import predict_files

        return predict_files(
            predictor,
            paths,
            self.out,
            self.classes,
            self.max_detections,
            self.batch,
            self.label_maps,
            tell_count,
            self.explain_most if self.explain else 0,
            self.cutouts,
        )

    def predict_signals(self, predictor: Predictor, paths: Sequence[Path]) -> Outcome:
        from maskrcnn.modalities.signals.predict import predict_signals

        only_for_pictures(label_maps=self.label_maps, explain=self.explain, flip=self.flip, image_size=self.image_size)
        return predict_signals(predictor, paths, self.out, self.classes, self.max_detections, tell_count, self.cutouts)

    def predict_volumes(self, predictor: Predictor, paths: Sequence[Path]) -> Outcome:
        from maskrcnn.modalities.volumes.predict import predict_volumes

        only_for_pictures(explain=self.explain, image_size=self.image_size)
        return predict_volumes(predictor, paths, self.out, self.classes, self.max_detections, tell_count, self.cutouts)


def tell_count(path: Path, found: int) -> None:
    print(f"{path}: {counted(found, 'object')}", flush=True)
