"""maskrcnn associate"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro
from tyro.conf import arg

from maskrcnn.apps.cli.console import Screen, conclude, tell_failures
from maskrcnn.jobs.association.options import AssociateOptions

NONE = "(default: none)"


@dataclass(frozen=True)
class Associate(AssociateOptions):
    """Ask which areas of scans that lie alike go with something known of each, such as a score or a diagnosis: a map of
    effects and regions with p, by a linear model with confounders and permutations. No network learns here."""

    inputs: Annotated[tuple[Path, ...], tyro.conf.Positional, arg(metavar="FILE|FOLDER", help_behavior_hint="")] = ()
    labels: Annotated[Path | None, arg(metavar="FILE", help_behavior_hint="(needed)")] = None
    by: Annotated[str, arg(metavar="COLUMN", help_behavior_hint="(default: the only one)")] = ""
    adjust: Annotated[tuple[str, ...], arg(metavar="COLUMNS", help_behavior_hint=NONE)] = ()
    group: Annotated[str, arg(metavar="CLASS", help_behavior_hint="(default: all against all)")] = ""
    mask: Annotated[Path | None, arg(metavar="FILE", help_behavior_hint="(default: what is not 0 in most)")] = None
    align: Annotated[Path | None, arg(metavar="FOLDER", help_behavior_hint="(default: they lie alike)")] = None
    regions: Annotated[Path | None, arg(metavar="FILE|FOLDER", help_behavior_hint="(default: every voxel)")] = None
    model: Annotated[str | None, arg(metavar="NAME|FILE", help_behavior_hint="(default: every voxel)")] = None

    def run(self) -> int:
        self.check()  # before anything loads torch, so that a slip costs no seconds
        from maskrcnn.jobs.association.associate import associate

        with Screen() as screen:
            outcome = associate(self, screen)
        for line in outcome.lines:
            conclude(line)
        conclude(f"{outcome.sentence} The report: {outcome.page}")
        return tell_failures(outcome.failures)
