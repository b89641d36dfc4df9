"""What ``maskrcnn export`` is asked for."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from maskrcnn.checkpoints.lookup import check_model_name
from maskrcnn.checks import at_least
from maskrcnn.data.parsing.paths import refuse_missing
from maskrcnn.errors import UsageError
from maskrcnn.files import is_folder
from maskrcnn.planning.recipe import SMALLEST_IMAGE

ARCHIVE_SUFFIX = ".zip"
MAX_DROP = {"float32": 0.002, "float16": 0.003, "int8": 0.010}  # of average precision, by precision


@dataclass(frozen=True)
class ExportOptions:
    """The model, the file to write, and the proof that is asked of it."""

    model: str
    """Shipped or published model, or model file."""
    out: Path
    """File to write (.zip): graphs for onnxruntime, with all that is known of the model."""
    image_size: int | None = None
    """Longer side in pixels that images are resized to; by default what predict does with the model."""
    fp16: bool = False
    """Store weights in halves: half the size; time and memory stay."""
    int8: bool = False
    """Compute in 8 bits: about a quarter of the size, and faster; layers that this hurts stay in floats."""
    only: Literal["all", "boxes"] = "all"
    """boxes: without masks and keypoints."""
    verify: Path | None = None
    """Labelled data on which the written file is run and compared with the model; by default the example pictures."""
    max_drop: float | None = None
    """Largest drop of average precision; a file that is worse is not kept."""
    verify_images: int | None = None
    """Most images of the data that are looked at, evenly apart."""
    calibrate: Path | None = None
    """Labelled data with pictures as the model will see them, from which --int8 learns its ranges; by default those of
    --verify, else the examples."""

    @property
    def precision(self) -> str:
        """How weights are stored, and with ``int8`` also how they are used."""
        return "int8" if self.int8 else "float16" if self.fp16 else "float32"

    @property
    def budget(self) -> float:
        """The largest drop that is allowed."""
        return MAX_DROP[self.precision] if self.max_drop is None else self.max_drop

    def check(self) -> None:
        """Raise UsageError or DataError for options that cannot be followed and files that are not there."""
        at_least("image-size", self.image_size, SMALLEST_IMAGE)
        at_least("max-drop", self.max_drop, 0)
        at_least("verify-images", self.verify_images, 1)
        if self.int8 and self.fp16:
            raise UsageError("--int8 and --fp16 are two ways to store weights; give one of them.")
        if self.calibrate is not None and not self.int8:
            raise UsageError("--calibrate is for --int8; add it, or leave --calibrate out.")
        check_model_name(self.model)
        if is_folder(self.out):
            raise UsageError(f"{self.out} is a folder; name the file to write, as in {self.out / 'model.zip'}.")
        if self.out.suffix.lower() != ARCHIVE_SUFFIX:
            raise UsageError(f"An exported model is a zip: name the file to write as in {self.out}{ARCHIVE_SUFFIX}.")
        for path in (self.verify, self.calibrate):
            if path is not None:
                refuse_missing(path)
