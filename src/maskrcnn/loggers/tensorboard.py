"""Numbers for TensorBoard, in a folder beside the checkpoints."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from maskrcnn.checks import needed_package
from maskrcnn.loggers.logger import LoggedRun

FOLDER = "tensorboard"


class TensorBoardLogger:
    """Writes event files, and the settings as a text."""

    def __init__(self, run: LoggedRun) -> None:
        writers = needed_package("torch.utils.tensorboard", "log to tensorboard", "tensorboard", "tensorboard")
        folder = run.out / FOLDER
        self.where = f"Numbers for TensorBoard: tensorboard --logdir {folder}"
        # Steps that are done again replace what was logged of them.
        self.writer: Any = writers.SummaryWriter(str(folder), purge_step=run.step + 1 if run.step else None)
        rows = "".join(f"| {name} | {value} |\n" for name, value in run.settings.items())
        self.writer.add_text("settings", f"| setting | value |\n|---|---|\n{rows}", run.step)

    def log(self, step: int, values: Mapping[str, float]) -> None:
        """A scalar a value. They are on the disk when this returns."""
        for name, value in values.items():
            self.writer.add_scalar(name, value, step)
        self.writer.flush()

    def close(self, ended: str) -> None:
        """Close the file."""
        self.writer.close()


def open_logger(run: LoggedRun) -> TensorBoardLogger:
    """A logger of this training. Raises UsageError where tensorboard is not installed."""
    return TensorBoardLogger(run)
