"""A learning-rate schedule that is stretched or shortened while the training runs."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass
class Course:
    """A schedule over ``planned`` steps that is walked through in another number of them.

    Attributes:
        planned: steps that the schedule was made for.
        end: steps that the training will have.
        turned: the step at which ``end`` was last changed.
        place: where on the schedule that step was, 0 to ``planned``.
    """

    planned: int
    end: int
    turned: int = 0
    place: float = 0.0

    def at(self, step: int) -> float:
        """The place on the schedule of ``step``: 0 at the first, ``planned`` at ``end``, and never back."""
        rest = (step - self.turned) / max(self.end - self.turned, 1)
        return self.place + (self.planned - self.place) * min(rest, 1.0)

    def turn(self, step: int, end: int) -> None:
        """From ``step`` on, go so fast that the schedule's end is reached at ``end``."""
        self.place, self.turned, self.end = self.at(step), step, end
