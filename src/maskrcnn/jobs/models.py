"""Using a model by its name, and taking over other frameworks' checkpoints."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from maskrcnn.checkpoints.foreign import load_foreign
from maskrcnn.checkpoints.lookup import Say, load_model, silent
from maskrcnn.checkpoints.mapping import Report
from maskrcnn.checkpoints.ours import save_checkpoint
from maskrcnn.checkpoints.recorded import compare_stages
from maskrcnn.checks import model_file
from maskrcnn.inference.predictor import Predictor
from maskrcnn.model_info import ModelInfo

EXAMPLES = Path(__file__).parent.parent / "examples"


def import_model(
    path: Path,
    out: Path,
    class_names: Sequence[str] | None = None,
    norm_eps: float | None = None,
    recorded: Path | None = None,
) -> tuple[ModelInfo, Report]:
    """Write another framework's checkpoint as a model file of ours; what it is, and what fitted where.

    Args:
        recorded: outputs of the same weights in their own framework, see :mod:`maskrcnn.checkpoints.recorded`.

    Raises:
        UsageError, CheckpointError: see :func:`maskrcnn.checkpoints.foreign.load_foreign`.
    """
    model_file(out)
    model, info, report = load_foreign(path, class_names, norm_eps)
    if recorded is not None:
        compare_stages(model, recorded, report)
    save_checkpoint(out, model, info)
    return info, report


def load_predictor(name: str, device: str = "cpu", say: Say = silent) -> Predictor:
    """A predictor by name or file, see :func:`maskrcnn.checkpoints.lookup.load_model`."""
    return Predictor(*load_model(name, say), device=device)
