"""maskrcnn models"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import tyro
from tyro.conf import arg


@dataclass(frozen=True)
class Models:
    """List the models that the package ships, or print the card of one."""

    name: Annotated[
        str | None, tyro.conf.Positional, arg(metavar="[NAME]", help_behavior_hint="(default: list them)")
    ] = None
    """Print the card of this model: what it was trained on, how good it is, and its licence."""

    def run(self) -> int:
        from maskrcnn.jobs.models import describe_models, model_card

        print(describe_models() if self.name is None else model_card(self.name))
        return 0
