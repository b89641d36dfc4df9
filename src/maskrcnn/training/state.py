"""The state of a training in its checkpoint, from which an interrupted training resumes exactly."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from maskrcnn.checkpoints.ours import MODEL, load_exactly, read_info, read_tensors, save_checkpoint
from maskrcnn.errors import CheckpointError
from maskrcnn.model_info import ModelInfo
from maskrcnn.training.course import Course
from maskrcnn.training.schedule import MovingAverage

AVERAGE, OPTIMIZER, POSITION = "average.", "optimizer.", "position."


@dataclass
class Position:
    """Where a training is. All that is random follows from (seed, epoch, image), so this is enough to go on."""

    epoch: int = 0
    batch: int = 0  # batches of this epoch that are done
    step: int = 0  # optimiser steps so far
    best: float = -1.0  # validation measure of the best checkpoint so far
    stale: int = 0  # validations since then
    skipped: int = 0  # steps that changed nothing, since their loss was no number
    validated: int = 0  # epochs before the last validation
    seconds: float = 0.0  # spent so far, where a time is kept
    end: int = 0  # steps in all, where a time is kept, see Course
    turned: int = 0
    place: float = 0.0

    def course(self, planned: int) -> Course:
        """The schedule of ``planned`` steps, as far as it was turned."""
        return Course(planned, self.end or planned, self.turned, self.place)

    def remember(self, course: Course, seconds: float) -> None:
        """How the schedule was turned, and when."""
        self.end, self.turned, self.place, self.seconds = course.end, course.turned, course.place, seconds


def save_state(
    path: Path, model: nn.Module, info: ModelInfo, optimizer: Optimizer, average: MovingAverage, position: Position
) -> None:
    """Write a resumable checkpoint; as a model file it holds the weights as they are, not the
    average.

    Args:
        path: of the file.
        model: with its weights.
        info: of the model.
        optimizer: with its moments.
        average: of the weights.
        position: where the training is.
    """
    names = {id(p): name for name, p in model.named_parameters()}
    extra = {AVERAGE + name: value for name, value in average.state.items()}
    for parameter, state in optimizer.state.items():
        extra |= {
            f"{OPTIMIZER}{names[id(parameter)]}.{key}": torch.as_tensor(v) for key, v in state.items() if v is not None
        }
    extra |= {f"{POSITION}{key}": torch.tensor(value, dtype=torch.float64) for key, value in asdict(position).items()}
    extra[f"{POSITION}average_steps"] = torch.tensor(average.steps, dtype=torch.float64)
    save_checkpoint(path, model, info, extra)


def load_state(path: Path, model: nn.Module, optimizer: Optimizer, average: MovingAverage) -> Position:
    """Put a training back to where :func:`save_state` left it.

    Args:
        path: of the file.
        model: gets the weights.
        optimizer: gets its moments.
        average: gets the average of the weights.

    Returns:
        Where the training is.

    Raises:
        CheckpointError: not a resumable checkpoint of this model.
    """
    read_info(path)
    position = _position_tensors(path)
    load_exactly(model, read_tensors(path, MODEL), path)
    try:
        return _restore(path, position, model, optimizer, average)
    except (LookupError, RuntimeError, TypeError, ValueError, OverflowError) as error:
        raise CheckpointError(
            f"{path} holds a state of training that cannot be restored ({str(error)[:100]}); start from it with "
            "--model instead."
        ) from None


def _restore(
    path: Path, position: dict[str, Tensor], model: nn.Module, optimizer: Optimizer, average: MovingAverage
) -> Position:
    average.load(read_tensors(path, AVERAGE), int(position["average_steps"]))
    saved: dict[str, dict[str, Tensor]] = {}
    for key, value in read_tensors(path, OPTIMIZER).items():
        name, _, field = key.rpartition(".")
        saved.setdefault(name, {})[field] = value
    for name, parameter in model.named_parameters():
        if name in saved:
            for field, value in saved[name].items():
                if value.shape not in (parameter.shape, torch.Size()):
                    raise ValueError(f"{field} of {name} is of another shape")
            # AdamW counts its steps on the CPU, wherever the weights are
            optimizer.state[parameter] = {
                field: value if field == "step" else value.to(parameter.device) for field, value in saved[name].items()
            }
    return read_position(path)


def read_position(path: Path) -> Position:
    """Where the training was that :func:`save_state` saved. Raises CheckpointError where there was none."""
    position = _position_tensors(path)
    return Position(
        epoch=int(position["epoch"]),
        batch=int(position["batch"]),
        step=int(position["step"]),
        best=float(position["best"]),
        stale=int(position.get("stale", 0)),
        skipped=int(position.get("skipped", 0)),
        validated=int(position.get("validated", 0)),
        seconds=float(position.get("seconds", 0.0)),
        end=int(position.get("end", 0)),
        turned=int(position.get("turned", 0)),
        place=float(position.get("place", 0.0)),
    )


def _position_tensors(path: Path) -> dict[str, Tensor]:
    position = read_tensors(path, POSITION)
    if not position:
        raise CheckpointError(
            f"{path} holds a model but not the state of its training; start from it with --model instead."
        )
    return position
