"""Which model a user means, by name or by file."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from maskrcnn.checkpoints.ours import ModelInfo, load_checkpoint, read_info
from maskrcnn.errors import UsageError
from maskrcnn.inference.predictor import Predictor
from maskrcnn.models.mask_rcnn import MaskRCNN
from maskrcnn.pretrained import model_path, shipped_models

EXAMPLES = Path(__file__).parent.parent / "examples"


def find_model(name: str) -> Path:
    """The file of a model, from its own path or the name of a shipped one.

    Raises:
        UsageError: neither; the sentence lists what there is.
    """
    if Path(name).is_file():
        return Path(name)
    if model_path(name).is_file():
        return model_path(name)
    raise UsageError(
        f"There is no model {name}: name a .safetensors file, or a shipped one ({_list(shipped_models())})."
    )


def load_model(name: str) -> tuple[MaskRCNN, ModelInfo]:
    """A trained model by name or file. Raises UsageError where there is no such model."""
    return load_checkpoint(find_model(name))


def load_predictor(name: str, device: str = "cpu") -> Predictor:
    """A predictor by name or file."""
    return Predictor(*load_model(name), device=device)


def _list(names: list[str]) -> str:
    return ", ".join(names) or "none in this installation"


def describe_models() -> str:
    """A line for each shipped model: name, classes, size and measured average precision."""
    if not shipped_models():
        return "No model is shipped with this installation."
    lines = []
    for name in shipped_models():
        info, size = read_info(model_path(name)), model_path(name).stat().st_size / 2**20
        keys = [f"{kind}/AP" for kind in ("box", "mask", "keypoints") if f"{kind}/AP" in info.metrics]
        measured = "  ".join(f"{key} {info.metrics[key]:.3f}" for key in keys)
        lines.append(f"{name}: {few(info.class_names)}; {size:.1f} MiB; {measured}")
    return "\n".join([*lines, "maskrcnn models NAME prints a model's card."])


def model_card(name: str) -> str:
    """The card of a shipped model. Raises UsageError where there is none."""
    path = model_path(name).with_suffix(".md")
    if not path.is_file():
        raise UsageError(f"There is no shipped model {name}; there are: {_list(shipped_models())}.")
    return path.read_text(encoding="utf-8")


def few(names: Sequence[str]) -> str:
    """A few of many names."""
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")
