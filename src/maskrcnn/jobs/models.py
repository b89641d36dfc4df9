"""Lists the models that the package ships or fetches, and the example pictures. Does not load torch."""

from __future__ import annotations

from pathlib import Path

from maskrcnn.checkpoints.foreign.published import PUBLISHED, RESEARCH
from maskrcnn.checkpoints.header import read_summary
from maskrcnn.checkpoints.lookup import listed
from maskrcnn.checks import few
from maskrcnn.errors import CheckpointError, UsageError
from maskrcnn.files import is_file
from maskrcnn.pretrained import DEFAULT_MODEL, model_path, shipped_models

__all__ = ["DEFAULT_MODEL", "EXAMPLES", "describe_models", "model_card", "shipped_models"]

EXAMPLES = Path(__file__).parent.parent / "examples"  # folders of pictures


def describe_models() -> str:
    """A line for each shipped model (name, classes, size and measured average precision) and for each that torchvision
    publishes."""
    lines = [] if shipped_models() else ["No model is shipped with this installation."]
    lines += [_describe(name) for name in shipped_models()]
    lines += ["maskrcnn models NAME prints a model's card.", "", "Fetched from torchvision's server when first used:"]
    lines += [f"{name}: {p.what} (as torchvision says); {p.megabytes} MB" for name, p in PUBLISHED.items()]
    lines += [f"{name}: {p.what}; {p.megabytes} MB, from its authors' server" for name, p in RESEARCH.items()]
    lines.append(
        "A checkpoint of torchvision's or detectron2's is a model as well: --model FILE, or maskrcnn import FILE."
    )
    return "\n".join(lines)


def _describe(name: str) -> str:
    """The line of a shipped model; one that is damaged does not hide the others."""
    path = model_path(name)
    try:
        summary = read_summary(path)
    except CheckpointError as error:
        return f"{name}: {error}"
    known = ("box/AP", "mask/AP", "keypoints/AP", "semantic/mIoU")
    keys = [key for key in known if key in summary.metrics]
    measured = "  ".join(f"{key} {summary.metrics[key]:.3f}" for key in keys)
    return f"{name}: {few(summary.class_names)}; {path.stat().st_size / 2**20:.1f} MiB; {measured}"


def model_card(name: str) -> str:
    """The card of a shipped model. Raises UsageError where there is none."""
    if name not in shipped_models() or not is_file(model_path(name).with_suffix(".md")):
        raise UsageError(f"There is no shipped model {name}; there are: {listed(shipped_models())}.")
    return model_path(name).with_suffix(".md").read_text(encoding="utf-8")
