"""Numbers for MLflow, wherever it is set up to keep them: ``MLFLOW_TRACKING_URI``, by default ``mlflow.db`` here."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from typing import Any

from maskrcnn.checks import needed_package
from maskrcnn.loggers.logger import FAILED, FINISHED, LoggedRun

EXPERIMENT = "MLFLOW_EXPERIMENT_NAME"  # environment variable of MLflow's own
NAME = "mlflow"
STATES = {FINISHED: "FINISHED", FAILED: "FAILED"}
STOPPED = "KILLED"
LONGEST_VALUE = 500  # letters of a parameter that every store takes


class MLflowLogger:
    """Logs into a run of its own through MLflow's client, so that a run that the user has open stays as it is."""

    def __init__(self, run: LoggedRun) -> None:
        library = needed_package(NAME, "log to mlflow", NAME)
        self.client: Any = library.MlflowClient()
        known = run.known_as(NAME)
        if known is None:
            name = os.environ.get(EXPERIMENT, "maskrcnn")
            experiment = self.client.get_experiment_by_name(name)
            number = self.client.create_experiment(name) if experiment is None else experiment.experiment_id
            known = self.client.create_run(number, run_name=run.out.name).info.run_id
            for setting, value in run.settings.items():
                self.client.log_param(known, setting, str(value)[:LONGEST_VALUE])
            run.remember(NAME, known)
        else:
            self.client.set_terminated(known, "RUNNING")  # it goes on
        self.run_id = known
        self.where = f"Numbers for MLflow: {library.get_tracking_uri()} (look with: mlflow ui)"
        self.entities = needed_package("mlflow.entities", "log to mlflow", NAME)

    def log(self, step: int, values: Mapping[str, float]) -> None:
        """A metric a value, all in one question to the store."""
        now = round(1000 * time.time())
        metrics = [self.entities.Metric(name, value, now, step) for name, value in values.items()]
        self.client.log_batch(self.run_id, metrics=metrics)

    def close(self, ended: str) -> None:
        """The run has its state."""
        self.client.set_terminated(self.run_id, STATES.get(ended, STOPPED))


def open_logger(run: LoggedRun) -> MLflowLogger:
    """A logger of this training. Raises UsageError where mlflow is not installed."""
    return MLflowLogger(run)
