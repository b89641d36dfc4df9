"""maskrcnn predict"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro
from tyro.conf import arg

from maskrcnn.cli.speech import ModelsOwn, say, tell_failures
from maskrcnn.errors import UsageError
from maskrcnn.pretrained import DEFAULT_MODEL
from maskrcnn.workflows.checks import at_least, between, counted, not_among_inputs, usable_device
from maskrcnn.workflows.recipe import SMALLEST_IMAGE


@dataclass(frozen=True)
class Predict:
    """Find, name and outline the objects in images; writes pictures, predictions.json and summary.csv."""

    inputs: Annotated[
        tuple[Path, ...], tyro.conf.Positional, arg(metavar="PHOTO|FOLDER [...]", help_behavior_hint="(required)")
    ] = ()
    """Images, or folders of images (with their subfolders; what is no image is skipped)."""
    out: Path = Path("out")
    """Folder for the results; never read as input."""
    model: str = DEFAULT_MODEL
    """Shipped model, model file (.safetensors, or torchvision's .pth), or coco, coco-v2, coco-keypoints, which
    torchvision publishes and which are fetched once; `maskrcnn models` lists them."""
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
    overlap: float = 0.25
    """Part of a tile that neighbours share; objects up to that size are always seen whole."""
    flip: bool = False
    """Look at the mirror image of each image too: better, and takes twice as long."""
    device: str = "cpu"
    """cpu, cuda or mps."""
    batch: int = 1
    """Images that run together."""
    label_maps: bool = False
    """Also write 16-bit PNGs: object numbers (NAME.instances.png) and class numbers (NAME.classes.png)."""

    explain: bool = False
    """Also draw what convinced the model of each object: NAME_evidence.png, some seconds an object."""
    explain_most: int = 4
    """With --explain: objects of an image, the strongest first."""

    def run(self) -> int:
        from maskrcnn.data.images import find_images
        from maskrcnn.workflows.models import load_predictor
        from maskrcnn.workflows.predict import predict_files

        if not self.inputs:
            raise UsageError("Name an image or a folder first, as in `maskrcnn predict PHOTO --out out`.")
        between("score", self.score, 0, 1)
        at_least("max-detections", self.max_detections, 1)
        at_least("image-size", self.image_size, SMALLEST_IMAGE)
        at_least("batch", self.batch, 1)
        at_least("explain-most", self.explain_most, 1)
        usable_device(self.device)
        inputs = [path for path in self.inputs if path.exists()]
        failures = [f"{path} does not exist." for path in self.inputs if not path.exists()]
        not_among_inputs(self.out, inputs)
        paths = find_images(inputs, exclude=self.out)
        if not paths:
            raise UsageError(" ".join(failures) or f"There are no images in {', '.join(map(str, self.inputs))}.")
        predictor = load_predictor(self.model, self.device, say)
        predictor.adjust(self.score, image_size=self.image_size, tile=self.tile, overlap=self.overlap, flip=self.flip)
        outcome = predict_files(
            predictor,
            paths,
            self.out,
            self.classes,
            self.max_detections,
            self.batch,
            self.label_maps,
            lambda path, found: print(f"{path}: {counted(found, 'object')}", flush=True),
            self.explain_most if self.explain else 0,
        )
        print(
            f"{counted(sum(outcome.counts.values()), 'object')} in {counted(len(outcome.counts), 'image')}; pictures, "
            f"predictions.json and summary.csv are in {self.out}"
        )
        return tell_failures(failures + outcome.failures)
