"""Module addresses of earlier versions: what a program imports from there still comes, from where it lives now."""

from __future__ import annotations

import importlib
import sys
import warnings
from collections.abc import Callable, Sequence
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

# For each old module the modules that hold its names now, without ``maskrcnn.``; ``old=new`` where a name has changed.
MOVED = {
    "cli": "apps.cli",
    "data.augment": "data.transforms.augment",
    "data.components": "masks.components",
    "data.dataset": "modalities.open",
    "data.images": "modalities.images.read.pictures modalities.images.read.find",
    "data.outlines": "masks.outlines",
    "data.recording": "modalities.signals.signal",
    "data.records": "data.dataset",
    "data.shapes": "masks.rasterise",
    "data.signal_sets": "modalities.signals.open",
    "data.signals": "modalities.signals.read modalities.signals.find",
    "data.volume": "modalities.volumes.volume",
    "data.volume_sets": "modalities.volumes.open",
    "data.volumes": "modalities.volumes.read modalities.volumes.find",
    "evaluation.dice": "modalities.volumes.measures.dice",
    "evaluation.ecg": "modalities.signals.measures.heart_waves",
    "inference.found_intervals": "modalities.signals.results.intervals",
    "inference.found_objects": "modalities.volumes.results.objects",
    "models.mobilenet_v2": "models.backbones.mobilenet_v2",
    "models.mobilenet_v3": "models.backbones.mobilenet_v3",
    "models.resnet": "models.backbones.resnet",
    "training.recipe": "training.fit_config",
    "training.report": "training.log",
    "visualize": "drawing",
    "visualize.draw": "drawing.overlay",
    "workflows": "",
    "workflows.convert": "jobs.convert convert=convert_dataset",
}
PACKAGE = __name__.removesuffix(".moved")


def moved_names(module: str) -> Callable[[str], Any]:
    """The ``__getattr__`` of a module some of whose names have moved: it looks them up where they are now.

    Args:
        module: its address in :data:`MOVED`.

    Returns:
        A function from a name to what it stands for. It warns, and raises AttributeError for an unknown name.
    """
    words = MOVED[module].split()
    changed = dict(word.split("=") for word in words if "=" in word)

    def look_up(name: str) -> Any:
        if not name.startswith("__"):
            for place in (word for word in words if "=" not in word):
                found = getattr(importlib.import_module(f"{PACKAGE}.{place}"), changed.get(name, name), None)
                if found is not None:
                    text = f"{PACKAGE}.{module}.{name} is now {PACKAGE}.{place}.{changed.get(name, name)}"
                    warnings.warn(text, DeprecationWarning, stacklevel=2)
                    return found
        raise AttributeError(f"module '{PACKAGE}.{module}' has no attribute {name!r}")

    return look_up


class MovedModules(MetaPathFinder, Loader):
    """Finds the modules of :data:`MOVED` where nothing else does: they are empty and look every name up."""

    def find_spec(self, name: str, path: Sequence[str] | None, target: ModuleType | None = None) -> ModuleSpec | None:
        """The specification of an old module, None for any other name.

        Args:
            name: of the module that is imported, dotted.
            path: of the package that it lies in; not looked at.
            target: of a module that is loaded again; not looked at.

        Returns:
            What ``import`` makes the module of, or None.
        """
        address = name.removeprefix(PACKAGE + ".")
        if address == name or address not in MOVED:
            return None
        return ModuleSpec(name, self, is_package=any(other.startswith(address + ".") for other in MOVED))

    def exec_module(self, module: ModuleType) -> None:
        """Give the new module its names."""
        module.__dict__["__getattr__"] = moved_names(module.__name__.removeprefix(PACKAGE + "."))


def serve_moved_modules() -> None:
    """Let ``import`` find the old addresses; asked again it does nothing."""
    if not any(isinstance(finder, MovedModules) for finder in sys.meta_path):
        sys.meta_path.append(MovedModules())
