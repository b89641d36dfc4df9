"""A time budget: how many training steps still fit, from what steps and validations take."""

from __future__ import annotations

import math
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

VALIDATING = 0.12  # part of the time that may go into looking at the held-out images
REPORT = 1.6  # times a validation: the report at the end traces what was missed and draws pictures
TAIL = 0.01  # of the time: what is written last
ENDING = 0.35  # part of the time that the last validation and the report may take, with fewer images where need be
PROBE = 8  # held-out images, spread evenly, on which the time of a validation is estimated between two of them
ALONGSIDE = 0.6  # of the time that loading and computing take in turn, where other processes load: 28 of 59 s, once
FEWEST = 4  # held-out images are judged on however short the time is
LOOKS_AT = 50  # steps, at least, whose mean is taken for that of the steps to come
OFTEN = 0.1  # part of the time after which the steps are counted anew within an epoch
WORTH_SAYING = 0.05  # change of the number of steps


@dataclass(frozen=True)
class Budget:
    """What a training is allowed, planning and report included.

    Attributes:
        seconds: all in all.
        most_epochs: more are not worth the time.
        validation_seconds: what one validation should take; it is timed when there is one.
        begun: when the clock was started, by ``clock``.
        validated: whether there are images to validate on, and a report at the end.
        clock: seconds from some moment on.
    """

    seconds: float
    most_epochs: int
    validation_seconds: float = 0.0
    begun: float = 0.0
    validated: bool = True
    clock: Callable[[], float] = time.monotonic

    def left(self, before: float = 0.0) -> float:
        """Seconds that are still to be used, those for writing apart; ``before`` were spent by earlier runs."""
        return self.seconds * (1 - TAIL) - before - (self.clock() - self.begun)


@dataclass
class Pace:
    """Times a training as it goes and counts the steps that still fit into its budget.

    Attributes:
        epoch_steps: steps of an epoch.
        validate_every: epochs between validations, as planned.
        before: seconds that were spent before the budget's clock began: by the runs that this one goes on from.
    """

    budget: Budget
    epoch_steps: int
    validate_every: int = 1
    before: float = 0.0
    times: deque[float] = field(init=False)
    validation: float = field(init=False)
    mark: float = field(init=False)
    counted: float = field(init=False)

    def __post_init__(self) -> None:
        self.times = deque(maxlen=max(self.epoch_steps, LOOKS_AT))
        self.validation = self.budget.validation_seconds if self.budget.validated else 0.0
        self.mark = self.counted = self.budget.clock()

    def spent(self) -> float:
        """Seconds since the beginning, earlier runs included."""
        return self.before + self.budget.clock() - self.budget.begun

    def begin(self) -> None:
        """What happened since the last step is not part of the next one."""
        self.mark = self.budget.clock()

    def stepped(self) -> None:
        """A step, its images' loading included, has ended."""
        now = self.budget.clock()
        self.times.append(now - self.mark)
        self.mark = now

    def validated(self, part: float = 1.0) -> None:
        """A validation on this part of the held-out images, begun where the last step ended, has ended."""
        now = self.budget.clock()
        self.validation, self.mark = (now - self.mark) / part, now

    def last_validation(self) -> float:
        """What the validation at the end may take."""
        return min(self.validation, ENDING * self.budget.seconds / (1 + REPORT))

    def last_images(self, images: int) -> int:
        """On how many of the held-out ``images`` to judge at the end, the report after it counted in."""
        return images_in(self.budget.left(self.before), (1 + REPORT) * self.validation, images)

    def step_seconds(self) -> float:
        """The mean of the last epoch."""
        return max(sum(self.times) / max(len(self.times), 1), 1e-6)

    def validations_apart(self) -> int:
        """Epochs between validations: as planned, or more where they would take too much of the time."""
        epoch = self.epoch_steps * self.step_seconds()
        return max(self.validate_every, math.ceil((1 - VALIDATING) / VALIDATING * self.validation / epoch))

    def is_due(self, epoch: int, last_validated: int) -> bool:
        """Whether to validate after so many epochs, the last validation having come after ``last_validated``."""
        return epoch - last_validated >= self.validations_apart()

    def wants_counting(self) -> bool:
        """Whether, within an epoch, so much time has passed that the steps should be counted anew."""
        return self.budget.clock() - self.counted > OFTEN * self.budget.seconds

    def steps_left(self) -> int:
        """How many more steps fit, the validations among them and the report at the end counted in."""
        self.counted = self.budget.clock()
        left = self.budget.left(self.before) - (1 + REPORT) * self.last_validation()
        each = self.step_seconds() + self.validation / (self.validations_apart() * self.epoch_steps)
        return max(0, math.floor(left / each))

    def end(self, step: int, between: bool = False) -> int:
        """The step after which to end, having done ``step`` of them: at least one more within an epoch; ``between`` two
        epochs none where they would take less time than the validation after them."""
        left = self.steps_left()
        if between and left * self.step_seconds() <= self.last_validation():
            return step
        return max(step + (not between), min(step + left, self.budget.most_epochs * self.epoch_steps))

    def sentence(self, end: int, before: int) -> str:
        """What is said when the end moves from ``before`` to ``end``; nothing where it hardly does."""
        if abs(end - before) <= WORTH_SAYING * before:
            return ""
        looks = f" and a validation {self.validation:.1f} s" if self.budget.validated else ""
        return (
            f"A step takes {self.step_seconds():.2f} s{looks}: to keep the time, training ends after step {end} "
            f"(epoch {end / self.epoch_steps:.1f}) instead of {before}, and the learning rate falls accordingly."
        )


def images_in(seconds: float, whole: float, images: int) -> int:
    """Count the images that a given time allows for: a few at least.

    Args:
        seconds: that are left.
        whole: seconds that all images would take.
        images: how many there are.

    Returns:
        At most ``images``.
    """
    seconds = max(seconds, 0.0)
    return images if whole <= seconds else min(images, max(FEWEST, math.floor(images * seconds / whole)))


def evenly(count: int, of: int) -> list[int]:
    """Indices of ``count`` of ``of``, as far apart as can be."""
    return [k * of // count for k in range(count)]


def spread_order(count: int) -> list[int]:
    """The indices of ``count`` in an order of which any beginning is spread over all of them (van der Corput's)."""
    bits = max(count - 1, 1).bit_length()
    order = (int(f"{k:0{bits}b}"[::-1], 2) for k in range(2**bits))
    return [k for k in order if k < count]
