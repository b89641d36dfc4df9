"""What a logger is, which there are, and opening them.

A logger is a file in this folder with a function ``open_logger(run: LoggedRun) -> Logger``, and a line in
:data:`LOGGERS`. It needs a package of its own, which is imported when it is opened.
"""

from __future__ import annotations

import importlib
import importlib.util
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from maskrcnn.errors import UsageError, reason
from maskrcnn.files import atomic_write, is_file

# By name: the package that must be installed, which is also the extra that brings it.
LOGGERS = {"tensorboard": "tensorboard", "mlflow": "mlflow", "wandb": "wandb"}
RUNS = "logged.json"  # in the folder of a training: under which name each logger knows it
FINISHED, FAILED, STOPPED = "finished", "failed", "stopped"

Setting = str | int | float | bool


@dataclass(frozen=True)
class LoggedRun:
    """A training as loggers know it.

    Attributes:
        out: its folder, by whose name it is called.
        settings: how it was begun, by name.
        step: steps that are done when it goes on; 0 where it begins.
    """

    out: Path
    settings: Mapping[str, Setting]
    step: int = 0

    def known_as(self, logger: str) -> str | None:
        """Under which name a logger knew the part of the training that goes on now; None where it did not."""
        return _names_in(self.out / RUNS).get(logger) if self.step else None

    def remember(self, logger: str, name: str) -> None:
        """Keep under which name a logger knows the training, for when it goes on.

        Args:
            logger: its name in :data:`LOGGERS`.
            name: of the training.
        """
        with atomic_write(self.out / RUNS) as beside:
            beside.write_text(json.dumps({**_names_in(self.out / RUNS), logger: name}) + "\n")


class Logger(Protocol):
    """What gets the numbers of one training.

    Attributes:
        where: a sentence that says where they are to be looked at.
    """

    @property
    def where(self) -> str: ...

    def log(self, step: int, values: Mapping[str, float]) -> None:
        """Take the numbers of a step: ``train/loss``, ``train/lr`` ..., or ``val/loss``, ``box/AP`` ... after a
        validation.

        Args:
            step: how many steps are done.
            values: by name.
        """

    def close(self, ended: str) -> None:
        """No number follows: the training is ``finished``, has ``failed``, or was ``stopped`` by its user."""


def check_loggers(names: Sequence[str]) -> None:
    """Raise UsageError for a logger that there is not, or whose package is not installed."""
    for name in names:
        if name not in LOGGERS:
            raise UsageError(f"--log takes {', '.join(LOGGERS)}, not {name}.")
        if importlib.util.find_spec(LOGGERS[name]) is None:
            raise UsageError(f"To log to {name}, it must be installed: pip install 'maskrcnn[{name}]'.")


class Loggers:
    """Several loggers as one. One that fails later is left out from there on: a training is worth more than its log.

    Args:
        names: of :data:`LOGGERS`.
        run: the training.
        say: is told where to look, and what failed.

    Raises:
        UsageError: one that cannot be opened.
    """

    def __init__(self, names: Sequence[str], run: LoggedRun, say: Callable[[str], None]) -> None:
        check_loggers(names)
        self.say = say
        self.open: dict[str, Logger] = {}
        for name in dict.fromkeys(names):
            try:
                self.open[name] = importlib.import_module(f"maskrcnn.loggers.{name}").open_logger(run)
            except Exception as error:  # of a server, a login, a file: whatever its package makes of it
                self.close(FAILED)
                raise UsageError(f"--log {name} cannot be begun: {reason(error)}.") from error
            say(self.open[name].where)

    def log(self, step: int, values: Mapping[str, float]) -> None:
        """As :meth:`Logger.log`, to each."""
        for name in list(self.open):
            self._try(name, lambda logger: logger.log(step, values))

    def close(self, ended: str) -> None:
        """As :meth:`Logger.close`, of each; then there are none."""
        for name in list(self.open):
            self._try(name, lambda logger: logger.close(ended))
        self.open.clear()

    def _try(self, name: str, do: Callable[[Logger], None]) -> None:
        try:
            do(self.open[name])
        except Exception as error:
            del self.open[name]
            self.say(f"note: --log {name} failed and was left out ({reason(error)}); log.jsonl has every number.")


def _names_in(path: Path) -> dict[str, str]:
    try:
        found = json.loads(path.read_text()) if is_file(path) else {}
    except ValueError:
        return {}
    return {str(key): str(value) for key, value in found.items()} if isinstance(found, dict) else {}
