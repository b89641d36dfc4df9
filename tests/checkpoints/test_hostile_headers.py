"""A checkpoint is checked against itself before anything is built: field by field, then the fields together, then the
shapes of its tensors, then the numbers in them."""

from __future__ import annotations

import dataclasses
import json
import math
import resource
from collections.abc import Iterator
from typing import Any

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file

from maskrcnn.checkpoints import ours
from maskrcnn.checkpoints.ours import load_checkpoint, read_info
from maskrcnn.checkpoints.transfer import load_body
from maskrcnn.config import (
    ClassFieldConfig,
    CloseUpConfig,
    CloseUpMaskConfig,
    KeypointHeadConfig,
    ModelConfig,
    SemanticHeadConfig,
    SurfaceConfig,
    SurfaceHeadConfig,
    WholeHeadConfig,
    to_dict,
)
from maskrcnn.errors import CheckpointError
from tiny import save_tiny_model, tiny_model

# No field of any kind may be one of these.
NEVER = (
    math.nan,
    math.inf,
    -1e12,
    1e308,
    10**400,
    "no such word",
    {"x": ["y"]},
    [["x"]],
    [[[[1]]]],
)


@pytest.fixture
def path(tmp_path):
    return save_tiny_model(tmp_path / "tiny.safetensors")


def header_of(path) -> dict[str, Any]:
    with safe_open(str(path), "pt") as file:
        return json.loads(file.metadata()["maskrcnn"])


def write_header(path, header: dict[str, Any] | str) -> None:
    text = header if isinstance(header, str) else json.dumps(header)
    save_file(load_file(path), path, metadata={"maskrcnn": text})


def refused(path, read=load_checkpoint) -> str:
    with pytest.raises(CheckpointError) as caught:
        read(path)
    sentence = str(caught.value)
    assert str(path) in sentence
    assert "\n" not in sentence
    assert len(sentence) < 600
    return sentence


def leaves(values: Any, where: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The way to every number and word of nested dicts and lists."""
    inside = values.items() if isinstance(values, dict) else enumerate(values) if isinstance(values, list) else None
    if inside is None:
        yield where
        return
    for key, value in inside:
        yield from leaves(value, (*where, key))


def replaced(values: Any, where: tuple[Any, ...], value: Any) -> Any:
    copy = json.loads(json.dumps(values))
    place = copy
    for key in where[:-1]:
        place = place[key]
    place[where[-1]] = value
    return copy


def full_config() -> dict[str, Any]:
    """With every optional part, so that every field there is is met."""
    config = ModelConfig()
    field = ClassFieldConfig(cells=(((1.0, 2.0),),), first=(1.0,), rescaled=0.5, handover=200.0)
    head = KeypointHeadConfig(closeup=CloseUpConfig())
    preprocess = dataclasses.replace(
        config.preprocess, spacing=(1.0, 1.0), window=(64, 64), sound_rate=8000.0, mirror_channels=(2, 1, 0)
    )
    config = dataclasses.replace(
        config,
        preprocess=preprocess,
        backbone=dataclasses.replace(config.backbone, reductions=((2, 2),) * 5, outputs=(16,), fpn_norm="batch"),
        box_head=dataclasses.replace(config.box_head, field=field, norm="frozen"),
        mask_head=dataclasses.replace(config.mask_head, norm="group"),  # type: ignore[type-var]
        keypoint_head=head,
        closeup_mask_head=CloseUpMaskConfig(),
        semantic_head=SemanticHeadConfig(),
        surface_head=SurfaceHeadConfig(
            SurfaceConfig("s", ("front", "back")), norm="group", closeup=CloseUpConfig(), labels=(1,)
        ),
        whole_head=WholeHeadConfig(),
        loss=dataclasses.replace(
            config.loss, keypoint_samples=3, surface=dataclasses.replace(config.loss.surface, samples=3)
        ),
    )
    return json.loads(json.dumps(to_dict(config)))


PLACES = list(leaves(full_config()))


def test_the_config_with_every_part_is_fine(path):
    header = header_of(path)
    header.update(config=full_config(), class_names=[f"c{k}" for k in range(80)], category_ids=[])
    write_header(path, header)
    assert read_info(path).config.keypoint_head is not None


def test_every_field_is_met():
    """A field that is None in every variant would never be tried."""
    config = full_config()
    empty = [where for where in PLACES if replaced(config, where, 0) and _at(config, where) is None]
    # What a close-up's own body leaves to its defaults stands in the main body too.
    assert all("closeup" in ".".join(where) for where in empty), empty


def _at(values: Any, where: tuple[Any, ...]) -> Any:
    for key in where:
        values = values[key]
    return values


@pytest.mark.parametrize("where", PLACES, ids=lambda where: ".".join(map(str, where)))
def test_no_field_takes_what_it_cannot_be(tmp_path, where):
    """Straight from the json, so that hundreds of files need not be written."""
    header = {
        "format_version": 1,
        "config": full_config(),
        "class_names": [f"c{k}" for k in range(80)],
        "category_ids": [],
        "metrics": {},
        "notes": {},
    }
    for value in NEVER:
        if isinstance(value, str) and where[:2] == ("surface_head", "surface"):
            continue  # what a surface and its parts are called is free
        changed = {**header, "config": replaced(header["config"], where, value)}
        sentence = refused("m.safetensors", lambda p, c=changed: ours.info_of(p, json.dumps(c)))
        assert "header that cannot be read" in sentence


@pytest.mark.parametrize(
    "change, said",
    [
        (lambda h: h["config"]["preprocess"].update(spacing=[1.0]), "spacing has 1 entries, and the model has 2 axes"),
        (lambda h: h["config"]["preprocess"].update(window=[64]), "window has 1 entries"),
        (lambda h: h["config"]["preprocess"].update(pixel_mean=[0.0]), "pixel_mean has 1 entries"),
        (lambda h: h["config"]["preprocess"].update(pixel_std=[1.0] * 4), "pixel_std has 4 entries"),
        (lambda h: h["config"]["preprocess"].update(pixel_std=[1.0, 0.0, 1.0]), "pixel_std is 0.0"),
        (lambda h: h["config"]["preprocess"].update(mirror_channels=[0, 0, 1]), "mirror_channels"),
        (lambda h: h["config"]["preprocess"].update(max_size=2**20), "too large"),
        (lambda h: h["config"]["preprocess"].update(log_mel=True), "log_mel"),
        (lambda h: h["config"]["anchors"].update(shapes=[[1.0]]), "anchor shapes has 1 entries"),
        (lambda h: h["config"]["anchors"].update(sizes=[[32.0]]), "cannot be built"),
        (lambda h: h["config"]["backbone"].update(reductions=[[2, 2]] * 4), "reductions has 4 entries"),
        (lambda h: h["config"]["backbone"].update(reductions=[[2]] * 5), "reductions has 1 entries"),
        (lambda h: h["config"]["mask_head"]["pool"].update(output_size=5000), "too many"),
        (lambda h: h["config"]["box_head"]["pool"].update(sampling_ratio=64, output_size=200), "too many"),
        (lambda h: h["config"].update(ndim=3), "the model has 3 axes"),
        (lambda h: h.update(category_ids=[1]), "1 category ids for 2 classes"),
        (lambda h: h.update(category_ids=["a", "b"]), "category_ids is 'a'"),
        (lambda h: h.update(class_names=[1, 2]), "class_names is 1"),
        (lambda h: h.update(keypoint_names=["nose"]), "1 names for 0 keypoints"),
        (lambda h: h.update(skeleton=[[0, 1]]), "skeleton joins points"),
        (lambda h: h.update(skeleton=[[0]]), "skeleton has 1 entries"),
        (lambda h: h.update(metrics={"box/AP": "high"}), "metrics 'box/AP' is 'high'"),
        (lambda h: h.update(metrics=[1]), "metrics is a list"),
        (lambda h: h.update(notes="none"), "notes is 'none'"),
        (lambda h: h["notes"].update(kind=["x"]), "the note kind is a list"),
        (lambda h: h["notes"].update(kind={}), "the note kind is a dict"),
        (lambda h: h["notes"].update(labels=3), "the note labels is 3"),
        (lambda h: h["notes"].update(tile=-1), "the note tile is -1"),
        (lambda h: h["notes"].update(tile=1.5), "the note tile is 1.5"),
        (lambda h: h["notes"].update(images="all"), "the note images is 'all'"),
        (lambda h: h["notes"].update(recipe=[1]), "the note recipe is a list"),
        (lambda h: h.update(format_version="1"), "format_version is '1'"),
    ],
)
def test_what_contradicts_itself_is_refused(path, change, said):
    header = header_of(path)
    change(header)
    write_header(path, header)
    assert said in refused(path)


@pytest.mark.parametrize("depth", [50, 100_000])
def test_lists_within_lists_are_refused(path, depth):
    header = header_of(path)
    deep = "[" * depth + "]" * depth
    write_header(path, json.dumps(header).replace('"notes": {', f'"notes": {{"x": {deep}, ', 1).replace(", }", "}"))
    assert "lists within lists" in refused(path, read_info)


@pytest.mark.parametrize(
    "change",
    [
        lambda c: c["backbone"].update(fpn_channels=60_000),
        lambda c: c["box_head"].update(hidden=60_000),
        lambda c: c["backbone"].update(multiplier=60.0),
        lambda c: c.update(rpn_convs=60),
    ],
)
def test_a_model_larger_than_its_file_is_never_built(path, change):
    header = header_of(path)
    change(header["config"])
    write_header(path, header)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    refused(path)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 100_000  # kB


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("name", ["model.heads.box.fc1.weight", "model.rpn.logits.bias"])
def test_weights_that_are_no_numbers_are_refused(path, name, value):
    header, tensors = header_of(path), load_file(path)
    tensors[name].view(-1)[0] = value
    save_file(tensors, path, metadata={"maskrcnn": json.dumps(header)})
    assert "NaN or infinite" in refused(path)


def test_doubles_that_float32_cannot_hold_are_refused(path):
    header, tensors = header_of(path), load_file(path)
    tensors["model.rpn.logits.bias"] = torch.full_like(tensors["model.rpn.logits.bias"].double(), 1e200)
    save_file(tensors, path, metadata={"maskrcnn": json.dumps(header)})
    assert "NaN or infinite" in refused(path)


@pytest.mark.parametrize("kind", [torch.int64, torch.int8, torch.bool, torch.uint8])
def test_whole_numbers_are_no_weights(path, kind):
    header, tensors = header_of(path), load_file(path)
    tensors["model.heads.box.fc1.weight"] = tensors["model.heads.box.fc1.weight"].to(kind)
    save_file(tensors, path, metadata={"maskrcnn": json.dumps(header)})
    assert "numbers of another kind" in refused(path)


def test_a_body_of_no_numbers_is_refused(tmp_path):
    model = tiny_model()
    body = {f"body.{name}": value.contiguous().clone() for name, value in model.backbone.body.state_dict().items()}
    next(iter(body.values())).fill_(math.nan)
    save_file(body, tmp_path / "body.safetensors")
    assert "NaN or infinite" in refused(tmp_path / "body.safetensors", lambda path: load_body(model, path))


def test_line_breaks_of_a_header_never_break_the_sentence(path):
    """In a type that the library for such files repeats, in a name of a tensor, and in a name of a field."""
    content = path.read_bytes()
    length = int.from_bytes(content[:8], "little")
    header = json.loads(content[8 : 8 + length])
    own = json.loads(header["__metadata__"]["maskrcnn"])
    own["config"]["a\nb"] = 1
    metadata = {**header["__metadata__"], "maskrcnn": json.dumps(own)}
    first = next(name for name in header if name != "__metadata__")
    for change in (
        {first: {**header[first], "dtype": "a\nb"}},
        {"model.a\nb": header[first], first: {**header[first], "data_offsets": [0, 0], "shape": [0]}},
        {"__metadata__": metadata},
    ):
        text = json.dumps(header | change).encode()
        path.write_bytes(len(text).to_bytes(8, "little") + text + content[8 + length :])
        refused(path)
