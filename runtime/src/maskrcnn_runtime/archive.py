"""The exported file: a zip of graphs and what is known of the model, read and checked."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime

from maskrcnn_runtime.errors import RuntimeFault

FORMAT_VERSION = 1
INDEX = "maskrcnn.json"


@dataclass(frozen=True)
class Archive:
    """An exported model.

    Attributes:
        config: of the model, as its checkpoint has it.
        header: class names, category ids, keypoint names, skeleton, notes.
        graphs: sessions by name.
        strides: of each level of the pyramid, tensor order; the last is the RPN's own.
    """

    config: Mapping[str, Any]
    header: Mapping[str, Any]
    graphs: Mapping[str, Graph]
    strides: tuple[tuple[int, ...], ...]


class Graph:
    """A graph that runs.

    Args:
        data: of the ONNX file.
        options: of onnxruntime.
    """

    def __init__(self, data: bytes, options: onnxruntime.SessionOptions) -> None:
        self.session = onnxruntime.InferenceSession(data, options, providers=["CPUExecutionProvider"])
        self.inputs = [own.name for own in self.session.get_inputs()]

    def __call__(self, *arrays: np.ndarray) -> list[np.ndarray]:
        """Its outputs, in their order, from its inputs in theirs."""
        if len(arrays) != len(self.inputs):
            raise RuntimeFault(
                f"A graph of the model wants {len(self.inputs)} inputs, not {len(arrays)}; export again."
            )
        given = {name: np.ascontiguousarray(array) for name, array in zip(self.inputs, arrays)}
        outputs: list[np.ndarray] = self.session.run(None, given)
        return outputs


def read_archive(path: str | Path, threads: int = 0) -> Archive:
    """Read an exported model.

    Args:
        path: of the file that ``maskrcnn export`` wrote.
        threads: of each graph; 0: as many as there are cores.

    Raises:
        RuntimeFault: no such file, a damaged one, or one that is no exported model of pictures.
    """
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads, options.log_severity_level = threads, 1, 3
    options.enable_cpu_mem_arena = False  # what is freed goes back: a small computer has other things to do
    if not Path(path).is_file():
        raise RuntimeFault(f"{path} does not exist; name a file that maskrcnn export wrote.")
    try:
        with zipfile.ZipFile(path) as file:
            index = json.loads(file.read(INDEX))
            if index["format_version"] > FORMAT_VERSION:
                raise RuntimeFault(f"{path} was written by a newer version of maskrcnn; update maskrcnn-runtime.")
            graphs = {name: Graph(file.read(f"{name}.onnx"), options) for name in index["graphs"]}
        header = index["header"]
        strides = tuple(tuple(int(step) for step in stride) for stride in index["strides"])
        archive = Archive(header["config"], header, graphs, strides)
        _check(archive)
    except RuntimeFault:
        raise
    except Exception as error:  # a damaged graph is met with errors of every kind
        reason = str(error).strip().partition("\n")[0][:200] or type(error).__name__
        raise RuntimeFault(f"{path} is no exported model, or a damaged one ({reason}); export it again.") from None
    if archive.config["ndim"] != 2:
        kind = {1: "signals", 3: "volumes"}.get(archive.config["ndim"], "other files")
        raise RuntimeFault(f"{path} is a model of {kind}; maskrcnn-runtime looks at pictures.")
    return archive


def _check(archive: Archive) -> None:
    """Raise RuntimeFault unless the graphs that the config asks for are there, and read what they must."""
    config = archive.config
    needed = {"body": 1, "pyramid": None}
    if config["finds_objects"]:
        needed["box"] = None
        needed |= {"field": 2} if config["box_head"]["field"] else {}
        heads = {"mask": "mask_head", "keypoint": "keypoint_head", "closeup_mask": "closeup_mask_head"}
        needed |= {name: None for name, key in heads.items() if config[key]}
    for name, count in needed.items():
        if name not in archive.graphs:
            raise RuntimeFault(f"The model has no graph {name}; export it again.")
        inputs = archive.graphs[name].inputs
        if count is not None and len(inputs) != count:
            raise RuntimeFault(f"Its graph {name} reads {len(inputs)} inputs, not {count}; export it again.")
