"""maskrcnn evaluate"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from rich.progress import Progress
from tyro.conf import arg

from maskrcnn.apps.cli.console import (
    DEFAULT_HINT,
    Data,
    MaxPixels,
    ModelsOwn,
    console,
    say,
    tell_failures,
    tell_problems,
)
from maskrcnn.checkpoints.lookup import check_model_name
from maskrcnn.checks import at_least, no_file, only_for_pictures, result_folder, usable_device
from maskrcnn.data.parsing.paths import refuse_missing
from maskrcnn.inference.tiling.options import OVERLAP, check_tiles
from maskrcnn.planning.recipe import SMALLEST_IMAGE


@dataclass(frozen=True)
class Evaluate:
    """Measure a model on labelled data: average precision with 95 % intervals, and what its field asks for besides."""

    data: Data
    """Labelled images: COCO, LabelMe, Pascal VOC, YOLO, VIA, CVAT, Label Studio, Datumaro, label maps, class maps or
    mask files; DATA:val is the split of that name. Or labelled recordings or scans (docs/formats.md)."""
    out: Path
    """Folder for metrics.json and report.html."""
    model: Annotated[str | None, arg(metavar="NAME|FILE", help_behavior_hint=DEFAULT_HINT)] = None
    """Shipped model or model file."""
    max_detections: ModelsOwn = None
    """Most detections counted in one image; published tables of COCO count 100."""
    image_size: ModelsOwn = None
    """Longer side in pixels that images are resized to for the model."""
    tile: str = "auto"
    """Cut images that are longer into overlapping tiles of this many pixels; auto: as the model says; off: never."""
    overlap: float = OVERLAP
    """Part of a tile that neighbours share."""
    bootstrap: int = 1000
    """Resamplings of the images for the intervals; 0 for none."""
    flip: bool = False
    """Look at the mirror image of each image too."""
    max_pixels: MaxPixels = None
    """Open no file of more pixels, voxels or samples than this: its header is asked before it is unpacked. By default
    what fits into free memory, and into 1.25 GiB where a file packs more than 64 of them into a byte."""
    device: str = "cpu"
    """cpu, cuda or mps."""
    batch: int = 4
    """Images that run together."""
    no_report: bool = False
    """Write no report.html, the page that says why objects are missed and what to do next."""

    def run(self) -> int:
        self.check()  # before anything loads torch, so that a slip costs no seconds
        from maskrcnn.jobs.evaluate import METRICS, evaluate_to, print_table
        from maskrcnn.jobs.models import load_predictor
        from maskrcnn.modalities.inputs import default_of_kind
        from maskrcnn.modalities.kinds import as_learned, check_kind
        from maskrcnn.modalities.open import open_dataset

        data = open_dataset(self.data)
        model = self.model or default_of_kind(data.kind, self.data)
        predictor = load_predictor(model, self.device, say)
        check_kind(predictor.info, model, data)
        data = as_learned(data, predictor.info)
        tell_problems(data.problems)
        if data.kind != "image":
            only_for_pictures(flip=self.flip and data.kind != "volume", image_size=self.image_size)
        predictor = predictor.with_options(
            image_size=self.image_size, tile=self.tile, overlap=self.overlap, flip=self.flip
        )
        result_folder(self.out)
        with Progress(console=console, transient=True, disable=not console.is_terminal) as progress:
            task = progress.add_task("evaluating", total=len(data))
            result, failures, page = evaluate_to(
                predictor,
                data,
                self.out,
                model,
                self.max_detections,
                self.bootstrap,
                self.batch,
                lambda done: progress.update(task, completed=done),
                not self.no_report,
                say,
            )
        print_table(result)
        digits = self.out / METRICS
        if not any(failure.startswith(str(digits)) for failure in failures):
            print(f"The same with more digits: {digits}")
        if page is not None:
            print(f"Why objects are missed, and what to do next: {page}")
        return tell_failures(failures)

    def check(self) -> None:
        """Raise UsageError or DataError for flags that cannot be followed and data that are not there."""
        at_least("max-detections", self.max_detections, 1)
        at_least("image-size", self.image_size, SMALLEST_IMAGE)
        at_least("bootstrap", self.bootstrap, 0)
        at_least("batch", self.batch, 1)
        check_tiles(self.tile, self.overlap)
        if self.model is not None:
            check_model_name(self.model)
        refuse_missing(self.data)
        no_file(self.out)
        usable_device(self.device)
