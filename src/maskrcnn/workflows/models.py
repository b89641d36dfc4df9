"""Which model a user means, by name or by file."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from maskrcnn.checkpoints.foreign import is_foreign, load_foreign
from maskrcnn.checkpoints.mapping import Report
from maskrcnn.checkpoints.ours import ModelInfo, load_checkpoint, read_info, save_checkpoint
from maskrcnn.checkpoints.published import PUBLISHED, cache_folder, fetch
from maskrcnn.checkpoints.recorded import compare_stages
from maskrcnn.errors import UsageError
from maskrcnn.files import is_file
from maskrcnn.inference.predictor import Predictor
from maskrcnn.models.mask_rcnn import MaskRCNN
from maskrcnn.pretrained import model_path, shipped_models

EXAMPLES = Path(__file__).parent.parent / "examples"

Say = Callable[[str], None]


def silent(sentence: str) -> None:
    """Says nothing."""


def find_model(name: str, say: Say = silent) -> Path:
    """The file of a model, from its own path, the name of a shipped one, or that of one which torchvision publishes,
    which is fetched and converted the first time.

    Raises:
        UsageError: none of these; the sentence lists what there is.
        CheckpointError: it cannot be fetched, or what came is damaged.
    """
    if is_file(Path(name)):
        return Path(name)
    if is_file(model_path(name)):
        return model_path(name)
    if name in PUBLISHED:
        return published_model(name, say)
    if Path(name).suffix:
        raise UsageError(f"There is no file {name}; `maskrcnn models` lists what is there by name.")
    raise UsageError(
        f"There is no model {name}: name a model file, a shipped one ({_list(shipped_models())}) or one that "
        f"torchvision publishes ({_list(list(PUBLISHED))})."
    )


def published_model(name: str, say: Say = silent) -> Path:
    """One of :data:`maskrcnn.checkpoints.published.PUBLISHED` as a model file in the user's cache folder.

    Raises:
        CheckpointError: see :func:`maskrcnn.checkpoints.published.fetch`.
    """
    published, folder = PUBLISHED[name], cache_folder()
    converted = folder / Path(published.file).with_suffix(".safetensors").name
    if not is_file(converted):
        if not is_file(folder / published.file):
            say(f"Fetching {published.file} ({published.megabytes} MB), once; it is kept in {folder}.")
        fetched = fetch(published, folder)
        model, info, _ = load_foreign(fetched)
        save_checkpoint(converted, model, info)
        fetched.unlink()
    return converted


def load_model(name: str, say: Say = silent) -> tuple[MaskRCNN, ModelInfo]:
    """A trained model by name or file, of ours or of another framework.

    Raises:
        UsageError: no such model.
    """
    path = find_model(name, say)
    if is_foreign(path):
        model, info, report = load_foreign(path)
        for note in report.notes:
            say(f"note: {path}: {note}")
    else:
        model, info = load_checkpoint(path)
    return model, info


def model_info(name: str) -> ModelInfo:
    """What the model of this name or file says of itself."""
    path = find_model(name)
    return load_foreign(path)[1] if is_foreign(path) else read_info(path)


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
    if out.suffix != ".safetensors":
        raise UsageError(f"{out} is no name for a model file: it must end in .safetensors.")
    model, info, report = load_foreign(path, class_names, norm_eps)
    if recorded is not None:
        compare_stages(model, recorded, report)
    save_checkpoint(out, model, info)
    return info, report


def load_predictor(name: str, device: str = "cpu", say: Say = silent) -> Predictor:
    """A predictor by name or file."""
    return Predictor(*load_model(name, say), device=device)


def _list(names: list[str]) -> str:
    return ", ".join(names) or "none in this installation"


def describe_models() -> str:
    """A line for each shipped model (name, classes, size and measured average precision) and for each that torchvision
    publishes."""
    lines = [] if shipped_models() else ["No model is shipped with this installation."]
    for name in shipped_models():
        info, size = read_info(model_path(name)), model_path(name).stat().st_size / 2**20
        keys = [f"{kind}/AP" for kind in ("box", "mask", "keypoints") if f"{kind}/AP" in info.metrics]
        measured = "  ".join(f"{key} {info.metrics[key]:.3f}" for key in keys)
        lines.append(f"{name}: {few(info.class_names)}; {size:.1f} MiB; {measured}")
    lines += ["maskrcnn models NAME prints a model's card.", "", "Fetched from torchvision's server when first used:"]
    lines += [f"{name}: {p.what} (as torchvision says); {p.megabytes} MB" for name, p in PUBLISHED.items()]
    lines.append(
        "A checkpoint of torchvision's or detectron2's is a model as well: --model FILE, or maskrcnn import FILE."
    )
    return "\n".join(lines)


def model_card(name: str) -> str:
    """The card of a shipped model. Raises UsageError where there is none."""
    path = model_path(name).with_suffix(".md")
    if not is_file(path):
        raise UsageError(f"There is no shipped model {name}; there are: {_list(shipped_models())}.")
    return path.read_text(encoding="utf-8")


def few(names: Sequence[str]) -> str:
    """A few of many names."""
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")
