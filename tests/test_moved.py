"""Programs that were written for an earlier version go on importing what they imported."""

import importlib
import subprocess
import sys

import pytest

import maskrcnn
from maskrcnn.moved import MOVED


@pytest.mark.parametrize(
    ("module", "name", "now"),
    [
        ("data.signals", "read_signal", "modalities.signals.read"),
        ("data.signals", "find_signals", "modalities.signals.find"),
        ("data.volumes", "read_volume", "modalities.volumes.read"),
        ("data.volumes", "find_volumes", "modalities.volumes.find"),
        ("data.dataset", "open_dataset", "modalities.open"),
        ("data.images", "read_image", "modalities.images.read.pictures"),
        ("data.records", "Dataset", "data.dataset"),
        ("data.shapes", "polygons_to_mask", "masks.rasterise"),
        ("visualize.draw", "draw", "drawing.overlay"),
        ("training.recipe", "FitConfig", "training.fit_config"),
        ("cli", "main", "apps.cli"),
    ],
)
def test_a_name_comes_from_its_old_module(module: str, name: str, now: str) -> None:
    old = importlib.import_module(f"maskrcnn.{module}")
    with pytest.warns(DeprecationWarning, match=f"maskrcnn.{now}"):
        found = getattr(old, name)
    assert found is getattr(importlib.import_module(f"maskrcnn.{now}"), name)


def test_convert_takes_what_it_took() -> None:
    with pytest.warns(DeprecationWarning, match="convert_dataset"):
        from maskrcnn.workflows.convert import convert
    from maskrcnn.jobs.convert import convert_dataset

    assert convert is convert_dataset


@pytest.mark.parametrize("module", sorted(MOVED))
def test_every_old_module_is_imported_and_every_place_exists(module: str) -> None:
    importlib.import_module(f"maskrcnn.{module}")
    for place in (word for word in MOVED[module].split() if "=" not in word):
        importlib.import_module(f"maskrcnn.{place}")


def test_what_never_was_is_not_found() -> None:
    with pytest.raises(ModuleNotFoundError):
        importlib.import_module("maskrcnn.data.nothing")
    with pytest.raises(ImportError):
        from maskrcnn.data.signals import nothing  # noqa: F401
    with pytest.raises(AttributeError, match="nothing"):
        maskrcnn.data.dataset.nothing  # type: ignore[attr-defined]  # noqa: B018


def test_a_new_process_imports_the_old_address_first() -> None:
    code = "from maskrcnn.data.volumes import read_volume; print(read_volume.__module__)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.startswith("maskrcnn.modalities.volumes.read")
