"""What ``import maskrcnn`` offers: frozen here, whole, and enough to call what is in it."""

import ast
import dataclasses
import inspect
import re
import subprocess
import sys
import types
import typing
from pathlib import Path

import pytest

import maskrcnn

ROOT = Path(__file__).resolve().parents[1]
FUNCTIONS = [
    "batch_images",
    "build_model",
    "draw",
    "evaluate",
    "explain",
    "fit",
    "load",
    "load_checkpoint",
    "mask_rcnn_mobilenet_v2_fpn",
    "mask_rcnn_resnet50_fpn",
    "open_dataset",
    "read_image",
    "read_signal",
    "read_volume",
    "save_checkpoint",
    "train",
]
ACTORS = ["MaskRCNN", "Model", "Objective", "Predictor", "Teacher", "Report"]
RECORDS = [
    "AxisMap",
    "CocoResult",
    "Dataset",
    "Evaluation",
    "Evidence",
    "Explanation",
    "FileSpace",
    "Found",
    "FoundInFrame",
    "ImageBatch",
    "Instances",
]
RECORDS += ["ImageSource", "ModelInfo", "Record", "RecordSource", "Regions", "Signal", "Training", "Turn", "Volume"]
RECORDS += ["SurfaceMaps", "SurfacePoints"]
OPTIONS = ["AugmentConfig", "Budget", "FitConfig", "PredictOptions", "Tiling"]
CONFIGS = ["AnchorConfig", "BackboneConfig", "BoxHeadConfig", "ClassFieldConfig", "CloseUpConfig", "DetectionConfig"]
CONFIGS += ["CloseUpMaskConfig"]
CONFIGS += ["KeypointHeadConfig", "LossConfig", "MaskHeadConfig", "ModelConfig", "PoolConfig", "PreprocessConfig"]
CONFIGS += ["SelectionConfig", "SemanticHeadConfig", "SemanticLossConfig"]
CONFIGS += ["WholeHeadConfig"]
CONFIGS += ["SurfaceConfig", "SurfaceHeadConfig", "SurfaceLossConfig"]
HEADS = ["Head", "ImageHead", "LossInputs", "MapHead", "ObjectHead", "Place", "SampledProposals", "Term"]
ERRORS = ["CheckpointError", "DataError", "MaskRCNNError", "UsageError"]
FACE = sorted([*FUNCTIONS, *ACTORS, *RECORDS, *OPTIONS, *CONFIGS, *HEADS, *ERRORS])
INSIDE = {"BoxHead", "Backbone", "RPN"}  # what a MaskRCNN is made of; build_model makes them
INSIDE |= {"OneFile", "OnePicture", "OneSignal", "OneScan"}  # what Found draws on; load makes them


def classes_in(hint):
    """Every class in an annotation, however deep."""
    if isinstance(hint, list | tuple):
        for part in hint:
            yield from classes_in(part)
    elif typing.get_origin(hint) is not None or isinstance(hint, types.UnionType):
        yield from classes_in([typing.get_origin(hint), *typing.get_args(hint)])
    elif isinstance(hint, type):
        yield hint


def hints_of(thing):
    """The annotations of a function; of a class, those of its fields and of its public methods."""
    if inspect.isfunction(thing):
        return list(typing.get_type_hints(thing).values())
    hints = list(typing.get_type_hints(thing).values()) if dataclasses.is_dataclass(thing) else []
    for name, member in vars(thing).items():
        function = getattr(member, "__func__", getattr(member, "fget", member))
        if inspect.isfunction(function) and (not name.startswith("_") or name in ("__init__", "__call__")):
            own = function.__module__.startswith("maskrcnn")  # not what dataclass wrote
            hints += list(typing.get_type_hints(function).values()) if own else []
    return hints


def own_classes(thing):
    found = (kind for hint in hints_of(thing) for kind in classes_in(hint))
    return {kind for kind in found if kind.__module__.startswith("maskrcnn")}


def test_the_face_is_what_it_was():
    assert maskrcnn.__all__ == FACE


def test_dir_shows_the_face():
    assert set(maskrcnn.__all__) < set(dir(maskrcnn))


@pytest.mark.parametrize("name", FACE)
def test_a_public_name_is_found_where_it_says(name):
    thing = getattr(maskrcnn, name)
    assert thing.__name__ == name and thing.__doc__
    assert thing.__module__ == f"maskrcnn.{maskrcnn._WHERE[name]}" or name in ("Dataset",)


def test_what_type_checkers_see_is_what_there_is():
    tree = ast.parse(Path(maskrcnn.__file__).read_text(encoding="utf-8"))
    block = next(node for node in tree.body if isinstance(node, ast.If))
    seen = {alias.name: node.module.removeprefix("maskrcnn.") for node in block.body for alias in node.names}
    assert seen == maskrcnn._WHERE


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no attribute 'cats'"):
        maskrcnn.cats  # noqa: B018
    with pytest.raises(ImportError):
        exec("from maskrcnn import cats")


@pytest.mark.parametrize("name", FACE)
def test_what_a_public_name_takes_and_gives_is_public(name):
    hidden = {kind.__name__ for kind in own_classes(getattr(maskrcnn, name))} - set(FACE) - INSIDE
    reading_inside = {"FieldReading", "ClassField"}
    assert hidden <= reading_inside, hidden


def test_a_hidden_class_would_be_seen():
    def planted(found: list[maskrcnn.Instances | None], rpn: "dict[str, tuple[maskrcnn.Term, ...]]") -> None: ...

    assert {kind.__name__ for kind in own_classes(planted)} == {"Instances", "Term"}
    assert "RPN" in {kind.__name__ for kind in own_classes(maskrcnn.MaskRCNN)}


def promised():
    """What the changelog says that there is in Python: names, attributes and arguments."""
    text = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    for sentence in re.findall(r"In Python: ((?:[^.`]|`[^`]*`)*)", text):
        yield from re.findall(r"`(\w[^`]*)`", sentence)


def has_attribute(thing, name):
    return hasattr(thing, name) or name in getattr(thing, "__dataclass_fields__", {})


@pytest.mark.parametrize("promise", sorted(set(promised())))
def test_what_the_changelog_promises_in_python_is_there(promise):
    path, _, arguments = promise.partition("(")
    name, *attributes = path.removeprefix("maskrcnn.").split(".")
    thing = getattr(maskrcnn, name)
    for attribute in attributes:
        assert has_attribute(thing, attribute)
        thing = getattr(thing, attribute, None)
    for argument in re.findall(r"\w+", arguments):
        assert argument in inspect.signature(thing).parameters


def test_the_changelog_promises_something():
    assert {"read_volume", "Turn", "evaluate(watch=...)"} <= set(promised())


def test_importing_it_and_looking_at_it_loads_nothing_heavy():
    code = "import sys, maskrcnn; dir(maskrcnn); print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not {"torch", "numpy", "PIL"} & set(done.stdout.split())


def test_no_folder_hides_a_name_of_the_face():
    """A folder ``explain`` would take the place of the function when something in it is imported."""
    folder = Path(maskrcnn.__file__).parent
    assert not {path.stem for path in folder.iterdir()} & set(FACE)
