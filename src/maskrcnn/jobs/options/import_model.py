"""What ``maskrcnn import`` is asked for."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from maskrcnn.checks import MODEL_SUFFIX, model_file
from maskrcnn.errors import UsageError
from maskrcnn.files import exists


@dataclass(frozen=True)
class ImportOptions:
    """Another framework's checkpoint, and the model file that is made of it."""

    checkpoint: Path
    """Checkpoint of a Mask, Faster or Keypoint R-CNN (.pth, .pkl); it is read without running anything of it."""
    out: Path | None = None
    """Model file to write; every command then takes it as --model."""
    classes: tuple[str, ...] = ()
    """Names of its classes in order, without background, if they are not COCO's."""
    norm_eps: float | None = None
    """Epsilon of the body's norms, which no file says: 0 for a model trained from torchvision's first COCO weights."""
    recorded: Path | None = None
    """Outputs of the same checkpoint in its own framework, to compare stage by stage (tools/parity/record_stages.py
    writes them)."""

    def target(self) -> Path:
        """The model file to write."""
        return self.out if self.out is not None else self.checkpoint.with_suffix(MODEL_SUFFIX)

    def check(self) -> None:
        """Raise UsageError for options that cannot be followed and files that are not there."""
        if self.norm_eps is not None and not 0 <= self.norm_eps < 1:
            raise UsageError(f"--norm-eps must be at least 0 and less than 1, not {self.norm_eps}.")
        model_file(self.target())
        for path in (self.checkpoint, *([self.recorded] if self.recorded else [])):
            if not exists(path):
                raise UsageError(f"{path} does not exist; check the name.")
