"""Time and memory that a training will need on this machine, from its plan and the step that was timed for it."""

from __future__ import annotations

from dataclasses import dataclass

from maskrcnn.checks import gib
from maskrcnn.doctor.findings import Finding, finding
from maskrcnn.planning.plan import Plan
from maskrcnn.planning.rules.training import epoch_seconds, look_seconds


@dataclass(frozen=True)
class Needs:
    """Estimates for a whole training by a plan.

    Attributes:
        step_seconds: one step, its images loaded.
        epoch_seconds: one pass over all images to learn from.
        total_seconds: all epochs and all looks at the images to measure on.
        bytes: memory at the peak of a step.
        available: memory that was free before.
    """

    step_seconds: float
    epoch_seconds: float
    total_seconds: float
    bytes: int
    available: int


def training_needs(plan: Plan) -> Needs | None:
    """None where no step was timed."""
    made_for = plan.made_for
    if made_for is None or made_for.cost is None:
        return None
    epoch, cost = epoch_seconds(made_for), made_for.cost
    looks = plan["epochs"] // plan["validate_every"] if made_for.val_images else 0
    total = plan["epochs"] * epoch + looks * look_seconds(made_for)
    return Needs(cost.seconds, epoch, total, cost.bytes, made_for.machine.memory)


def needs_findings(needs: Needs, plan: Plan) -> list[Finding]:
    """A finding where the memory will not do."""
    if needs.bytes < 0.9 * needs.available:
        return []
    batch = plan["batch"]
    why = f"About {gib(needs.bytes)} are needed at --batch {batch}, and {gib(needs.available)} are free."
    fix = f"use --batch {max(1, batch // 2)}, or --accumulate 2, or a smaller --image-size."
    return [finding("memory-short", "train", [], count=1, why=why, fix=fix)]
