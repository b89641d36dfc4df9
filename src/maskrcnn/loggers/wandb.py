"""Numbers for Weights & Biases; with ``WANDB_MODE=offline`` they stay in the training's folder until they are sent."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from maskrcnn.checks import needed_package
from maskrcnn.loggers.logger import FINISHED, LoggedRun

PROJECT = "WANDB_PROJECT"  # environment variable of its own
NAME = "wandb"


class WandbLogger:
    """Logs into a run of its own. Steps are an axis, so that numbers of one step may come one after another."""

    def __init__(self, run: LoggedRun) -> None:
        library = needed_package(NAME, "log to wandb", NAME)
        known = run.known_as(NAME)
        self.run: Any = library.init(
            project=os.environ.get(PROJECT, "maskrcnn"),
            name=run.out.name,
            id=known,
            resume=None if known is None else "allow",
            dir=str(run.out),
            config=dict(run.settings),
            settings=library.Settings(silent=True, console="off"),
        )
        self.run.define_metric("step")
        self.run.define_metric("*", step_metric="step")
        run.remember(NAME, self.run.id)
        folder = os.path.dirname(self.run.dir)  # noqa: PTH120 - of its own string
        where = f"{folder} (send them with: wandb sync {folder})" if self.run.offline else self.run.url
        self.where = f"Numbers for Weights & Biases: {where}"

    def log(self, step: int, values: Mapping[str, float]) -> None:
        """A row with the step."""
        self.run.log({"step": step, **values})

    def close(self, ended: str) -> None:
        """Wait until all is sent, or written where it is offline."""
        self.run.finish(exit_code=0 if ended == FINISHED else 1)


def open_logger(run: LoggedRun) -> WandbLogger:
    """A logger of this training. Raises UsageError where wandb is not installed."""
    return WandbLogger(run)
