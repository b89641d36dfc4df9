"""Finds a model by name: a file, a shipped model, or one that torchvision publishes and that is fetched once."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from maskrcnn.checkpoints.foreign.published import FETCHED, PUBLISHED, fetch
from maskrcnn.checks import closest
from maskrcnn.errors import UsageError
from maskrcnn.files import cache_folder, is_file, is_folder
from maskrcnn.pretrained import model_path, shipped_models

if TYPE_CHECKING:  # finding a model must not wait for torch
    from maskrcnn.model_info import ModelInfo
    from maskrcnn.models.head import HeadBuilder
    from maskrcnn.models.mask_rcnn import MaskRCNN

OF_ULTRALYTICS = re.compile(r"(yolo|rtdetr|fastsam)[\w.-]*\.(pt|yaml)")  # names of models that it fetches
Say = Callable[[str], None]


def silent(sentence: str) -> None:
    """Says nothing."""


def find_model_file(name: str | Path, say: Say = silent) -> Path:
    """Find the file of a model.

    A file of that name in the working folder comes before a shipped model. One that torchvision
    publishes is fetched and converted the first time.

    Args:
        name: the path of a file, or the name of a model that is shipped or published.
        say: is told what is fetched.

    Returns:
        The file.

    Raises:
        UsageError: none of these; the sentence lists what there is.
        CheckpointError: it cannot be fetched, or what came is damaged.
    """
    check_model_name(name)
    if is_file(name):
        return Path(name)
    return published_model(str(name), say) if str(name) in FETCHED else model_path(str(name))


def check_model_name(name: str | Path, architectures: Collection[str] = ()) -> None:
    """Refuse what :func:`find_model_file` would not find, without fetching anything.

    Args:
        name: the path of a file, or the name of a model that is shipped or published.
        architectures: names that are welcome as well, where a model may begin with random weights.

    Raises:
        UsageError: the sentence lists what there is.
    """
    text = str(name)
    known = text in FETCHED or text in shipped_models() or text in architectures
    if known or is_file(name):
        return
    if is_folder(name):
        raise UsageError(f"{name} is a folder; name a model file (.safetensors) in it.")
    if OF_ULTRALYTICS.fullmatch(Path(name).name.lower()):
        raise UsageError(
            f"There is no file {name}, and models of ultralytics are not read: name a shipped one "
            f"({listed(shipped_models())}), as in --model everyday."
        )
    if Path(name).suffix:
        raise UsageError(f"There is no file {name}; `maskrcnn models` lists what is there by name.")
    fresh = f", or an architecture with random weights ({listed(architectures)})" if architectures else ""
    near = closest(text, [*shipped_models(), *FETCHED, *architectures])
    hint = f" (did you mean {near}?)" if near else ""
    raise UsageError(
        f"There is no model {name}{hint}: name a model file, a shipped one ({listed(shipped_models())}) or one that "
        f"torchvision publishes ({listed(PUBLISHED)}), or densepose{fresh}."
    )


def published_model(name: str, say: Say = silent) -> Path:
    """One of :data:`maskrcnn.checkpoints.foreign.published.FETCHED` as a model file in the user's cache folder.

    Raises:
        CheckpointError: see :func:`maskrcnn.checkpoints.foreign.published.fetch`.
    """
    published, folder = FETCHED[name], cache_folder()
    converted = folder / Path(published.file).with_suffix(".safetensors").name
    if published.licence:
        say(f"note: {published.licence}")
    if not is_file(converted):
        if not is_file(folder / published.file):
            say(f"Fetching {published.file} ({published.megabytes} MB), once; it is kept in {folder}.")
        fetched = fetch(published, folder)
        _convert(fetched, converted)
        fetched.unlink()
    return converted


def load_model(
    name: str | Path, say: Say = silent, heads: Mapping[str, HeadBuilder] | None = None
) -> tuple[MaskRCNN, ModelInfo]:
    """Load a trained model by name or file, of ours or of another framework.

    Args:
        name: the path of a file, or the name of a model that is shipped or published.
        say: is told what is fetched, and what was assumed of another framework's file.
        heads: builders of the heads in a file of ours that the package does not have, by name.

    Returns:
        The model in evaluation mode, and what is known of it.

    Raises:
        UsageError: no such model.
        CheckpointError: a damaged file, or one that is no model.
    """
    from maskrcnn.checkpoints.foreign.load import is_foreign, load_foreign
    from maskrcnn.checkpoints.ours import load_checkpoint

    path = find_model_file(name, say)
    if not is_foreign(path):
        return load_checkpoint(path, heads)
    model, info, report = load_foreign(path)
    for note in report.notes:
        say(f"note: {path}: {note}")
    return model, info


def model_info(name: str | Path) -> ModelInfo:
    """What the model of this name or file says of itself; errors are those of :func:`load_model`."""
    from maskrcnn.checkpoints.foreign.load import is_foreign, load_foreign
    from maskrcnn.checkpoints.ours import read_info

    path = find_model_file(name)
    return load_foreign(path)[1] if is_foreign(path) else read_info(path)


def listed(names: Iterable[str]) -> str:
    """Names for a sentence."""
    return ", ".join(names) or "none in this installation"


def _convert(foreign: Path, path: Path) -> None:
    from maskrcnn.checkpoints.foreign.load import load_foreign
    from maskrcnn.checkpoints.ours import save_checkpoint

    model, info, _ = load_foreign(foreign)
    save_checkpoint(path, model, info)
