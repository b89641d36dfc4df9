"""Writes ``docs/api.md``, every public name with its signature and docstring.

make api
"""

from __future__ import annotations

import dataclasses
import inspect
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import maskrcnn

PAGE = Path(__file__).resolve().parents[1] / "docs" / "api.md"
# Headings, and what stands below each; what is in none comes last.
GROUPS = {
    "Three lines": "load Model Found FoundInFrame train Training evaluate Evaluation",
    "A model as functions on tensors": "Predictor PredictOptions Tiling read_image draw explain Explanation Evidence",
    "Recordings and scans": "read_signal Signal read_volume Volume FileSpace Turn",
    "Data": "open_dataset Dataset Record RecordSource AugmentConfig",
    "What passes between": (
        "Instances Regions SurfacePoints SurfaceMaps AxisMap ImageBatch ImageSource batch_images CocoResult ModelInfo"
    ),
    "Training and networks": (
        "fit FitConfig Budget Report Objective Teacher build_model mask_rcnn_mobilenet_v2_fpn mask_rcnn_resnet50_fpn "
        "MaskRCNN load_checkpoint save_checkpoint"
    ),
    "Heads of your own": "Head ObjectHead MapHead ImageHead Place LossInputs SampledProposals Term",
    "Errors": "MaskRCNNError DataError UsageError CheckpointError",
}
OTHERS = "Settings of networks"
SECTIONS = ("Args", "Returns", "Raises", "Yields", "Attributes")
LONGEST = 60  # letters of a default


def page() -> str:
    """The whole page."""
    grouped = {heading: names.split() for heading, names in GROUPS.items()}
    seen = {name for names in grouped.values() for name in names}
    grouped[OTHERS] = [name for name in maskrcnn.__all__ if name not in seen]
    lines = [
        "# Python, name by name",
        "",
        "Every public name of `maskrcnn`, from its docstring (`make api` writes this page). Letters of shapes: "
        "B images, "
        "C channels, *S spatial in tensor order, N instances, K classes, *M mask bins, D dimensions, P keypoints.",
        "",
    ]
    for heading, names in grouped.items():
        lines += [f"## {heading}", ""]
        for name in names:
            lines += [*_entry(name), ""]
    return "\n".join(lines).rstrip() + "\n"


def _entry(name: str) -> Iterator[str]:
    thing = getattr(maskrcnn, name)
    yield f"### {name}"
    if not (inspect.isclass(thing) and issubclass(thing, Exception)):
        yield from ("", "```python", _signature(name, thing), "```")
    yield ""
    yield from _prose(inspect.getdoc(thing) or "")
    if inspect.isclass(thing):
        yield from _members(thing)


def _signature(name: str, thing: Any) -> str:
    """One line where it fits, else a parameter a line."""
    if dataclasses.is_dataclass(thing):
        parts = [f"{field.name}: {field.type}{_default(field.default)}" for field in dataclasses.fields(thing)]
        result = ""
    else:
        try:
            signature = inspect.signature(thing)
        except ValueError:
            return name
        parts = [_parameter(parameter) for parameter in signature.parameters.values()]
        result = "" if signature.return_annotation is inspect.Signature.empty else f" -> {signature.return_annotation}"
    parts = [part for part in parts if part not in ("self", "cls")]
    line = f"{name}({', '.join(parts)}){result}"
    return line if len(line) <= 100 else f"{name}(\n" + "".join(f"    {part},\n" for part in parts) + f"){result}"


def _parameter(parameter: inspect.Parameter) -> str:
    star = {parameter.VAR_POSITIONAL: "*", parameter.VAR_KEYWORD: "**"}.get(parameter.kind, "")
    empty = inspect.Parameter.empty
    kind = "" if parameter.annotation is empty else f": {parameter.annotation}"
    return f"{star}{parameter.name}{kind}" + ("" if parameter.default is empty else _default(parameter.default))


def _default(value: Any) -> str:
    if value is dataclasses.MISSING:
        return ""
    text = value.__name__ if inspect.isfunction(value) else repr(value)
    return f" = {text}" if len(text) <= LONGEST and " at 0x" not in text and "tensor(" not in text else " = ..."


def _members(thing: type) -> Iterator[str]:
    """Public methods and properties of its own that say what they do."""
    rows = []
    for name, member in vars(thing).items():
        function = getattr(member, "__func__", getattr(member, "fget", member))
        shown = name == "__call__" or not name.startswith("_")
        if shown and inspect.isfunction(function) and function.__doc__:
            what = "" if isinstance(member, property) else "(" + ", ".join(_names(function)) + ")"
            first = re.split(r"\n\s*\n", inspect.getdoc(function) or "")[0]
            rows.append(f"- `{name}{what}`: {_inline(' '.join(first.split()))}")
    if rows:
        yield from ("", *rows)


def _names(function: Any) -> list[str]:
    return [name for name in inspect.signature(function).parameters if name not in ("self", "cls")]


def _prose(text: str) -> Iterator[str]:
    """A docstring of Google's style as Markdown: sections become lists."""
    section = ""
    for line in text.splitlines():
        if line.strip().removesuffix(":") in SECTIONS and line.rstrip().endswith(":"):
            section = line.strip().removesuffix(":")
            yield from (f"**{section}**", "")
        elif not section or not line.strip():
            yield _inline(line)
        elif len(line) - len(line.lstrip()) <= 4:
            found = re.match(r"([\w, *]+): (.*)", line.strip()) if section not in ("Returns", "Yields") else None
            yield f"- `{found[1]}`: {_inline(found[2])}" if found else _inline(line.strip())
        else:
            yield "  " + _inline(line.strip())


def _inline(text: str) -> str:
    """Roles and double backquotes as Markdown has them."""
    text = re.sub(r":\w+:`(?:[\w.]*\.)?(\w+)`", r"`\1`", text)
    return text.replace("``", "`")


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
