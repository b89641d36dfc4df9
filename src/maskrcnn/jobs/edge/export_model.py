"""Exports a model as graphs for onnxruntime, runs the file, and keeps it if it says what the model says."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from maskrcnn.checkpoints.lookup import load_model
from maskrcnn.config import ModelConfig
from maskrcnn.data.dataset import Dataset
from maskrcnn.data.split import subset
from maskrcnn.errors import DataError, UsageError
from maskrcnn.export.archive import Archive, read_archive, write_archive
from maskrcnn.export.graphs import graphs_of
from maskrcnn.export.int8.candidates import Candidate
from maskrcnn.export.onnx_files import as_onnx, halved, needed_packages
from maskrcnn.export.proof import Proof, compare, look, told_by
from maskrcnn.export.session_model import session_model
from maskrcnn.files import atomic_write
from maskrcnn.inference.options import SURFACE
from maskrcnn.inference.predictor import Predictor
from maskrcnn.jobs.edge.int8 import Trial, in_8_bits
from maskrcnn.jobs.evaluate import for_model
from maskrcnn.jobs.events import DataFaults, Note, Progress, Tell, tell_nobody
from maskrcnn.jobs.models import EXAMPLES, model_card, shipped_models
from maskrcnn.jobs.options.export_model import ExportOptions
from maskrcnn.modalities.images.read.pictures import read_image
from maskrcnn.modalities.kinds import check_kind
from maskrcnn.modalities.open import open_dataset
from maskrcnn.modalities.table import kinds, wing_of
from maskrcnn.model_info import ModelInfo
from maskrcnn.models.head import heads_of
from maskrcnn.models.mask_rcnn import SECOND_STAGE, MaskRCNN
from maskrcnn.training.budget import spread_order

FURTHER = (
    "mask_head",
    "keypoint_head",
    "closeup_mask_head",
    "semantic_head",
)  # what --only boxes leaves out

COLOURS = 3  # channels of the example pictures


@dataclass(frozen=True)
class ExportOutcome:
    """What was exported.

    Attributes:
        out: the file.
        megabytes: of it, in MB (10^6 bytes).
        precision: of its weights.
        proof: what it is worth beside the model; None where there was nothing to run it on.
        budget: the largest drop that was allowed.
        data: what it was run on.
        trials: all files that were run, the kept one last: with ``int8`` those before it dropped too much.
    """

    out: Path
    megabytes: float
    precision: str
    proof: Proof | None
    budget: float
    data: str
    trials: tuple[Trial, ...] = ()


def export_model(options: ExportOptions, tell: Tell = tell_nobody) -> ExportOutcome:
    """Write a model as graphs for onnxruntime, whole or not at all.

    Args:
        options: the model, the file and the proof.
        tell: is given :class:`Progress`, what is wrong with the data, and notes.

    Returns:
        What was written, and what it is worth.

    Raises:
        UsageError: options that cannot be followed, a package that is not installed, a model with a part that is not
            exported, or a file that drops more than the budget, which is not kept.
        CheckpointError: the model's file is damaged.
        DataError: the data cannot be read, or share no class with the model.
    """
    options.check()
    needed_packages()
    model, info = load_model(options.model, lambda text: tell(Note(text)))
    predictor = Predictor(*_as_asked(model, info, options))
    data = None if options.verify is None else _labelled(predictor, options.verify, options, tell)
    if data is None:
        data = _examples(predictor)
    learned = data if options.calibrate is None else _labelled(predictor, options.calibrate, options, tell)
    if options.int8 and learned is None:
        raise UsageError("There are no example files of its kind, which --int8 learns from; add --verify DATA.")
    archive = _exported(predictor, options, tell)
    with atomic_write(options.out) as temporary:
        if options.int8 and learned is not None:
            files = in_8_bits(archive, learned, tell)
        else:
            files = iter([Candidate(archive, 1.0)])
        trials = _until_one_holds(files, temporary, predictor, data, options, tell)
    on = "the example pictures" if options.verify is None else str(options.verify)
    kept = trials[-1]
    return ExportOutcome(options.out, kept.megabytes, options.precision, kept.proof, options.budget, on, trials)


def _exported(predictor: Predictor, options: ExportOptions, tell: Tell) -> Archive:
    """The graphs of a model, in floats."""
    card = model_card(options.model) if options.model in shipped_models() else ""
    graphs = {}
    parts = list(graphs_of(predictor.model))
    for k, graph in enumerate(parts):
        tell(Progress("exporting", k, len(parts)))
        made = as_onnx(graph)
        graphs[graph.name] = (halved(made) if options.fp16 else made).SerializeToString()
    tell(Progress("exporting", len(parts), len(parts)))
    strides, precision = tuple(predictor.model.backbone.strides), "float16" if options.fp16 else "float32"
    return Archive(predictor.info, precision, graphs, strides, card, {"model": options.model})


def _until_one_holds(
    files: Iterator[Candidate],
    path: Path,
    predictor: Predictor,
    data: Dataset | None,
    options: ExportOptions,
    tell: Tell,
) -> tuple[Trial, ...]:
    """Write one file after another at ``path``, until one is within the budget.

    Raises:
        UsageError: none is.
    """
    trials: list[Trial] = []
    seen = None
    for file in files:
        write_archive(path, file.archive)
        proof = None
        if data is None:
            tell(Note("note: there are no example files of its kind, so the file was not run; add --verify DATA."))
        else:
            seen = seen or look(predictor, data, _verifying("the model", data, tell))
            written = read_archive(path)
            exported = Predictor(session_model(written), written.info)
            proof = compare(seen, look(exported, data, _verifying("the file", data, tell)))
        trials.append(Trial(file.left, path.stat().st_size / 1e6, proof, file.floats))
        if options.int8:
            tell(Note(trials[-1].line()))
        if proof is None or proof.drop <= options.budget:
            return tuple(trials)
    raise UsageError(_refusal(options, trials))


def _verifying(who: str, data: Dataset, tell: Tell) -> Callable[[int], None]:
    return lambda count: tell(Progress(f"verifying {who}", count, len(data)))


def _as_asked(model: MaskRCNN, info: ModelInfo, options: ExportOptions) -> tuple[MaskRCNN, ModelInfo]:
    """The model without what is left out, and with the size that is asked for as its own."""
    config: ModelConfig = info.config
    if options.image_size is not None:
        size = options.image_size
        config = dataclasses.replace(
            config, preprocess=dataclasses.replace(config.preprocess, min_size=size, max_size=size)
        )
    if options.only == "boxes":
        if not model.finds_objects:
            raise UsageError(f"{options.model} finds no objects, so there are no boxes to export.")
        nothing: dict[str, Any] = dict.fromkeys(FURTHER)
        config = dataclasses.replace(config, **nothing)
        info = dataclasses.replace(info, keypoint_names=(), skeleton=())
        model.backbone.image = model.backbone.gives_first = False
    config = dataclasses.replace(config, surface_head=None)  # no runtime has a word for its maps
    left_out = (SECOND_STAGE, SURFACE)
    heads = {} if options.only == "boxes" else {k: head for k, head in heads_of(model).items() if k not in left_out}
    box_head = model.box_head if model.finds_objects else None
    model = MaskRCNN(config, model.backbone, model.rpn, box_head, heads).eval()
    return model, dataclasses.replace(info, config=config)


def _labelled(predictor: Predictor, path: Path, options: ExportOptions, tell: Tell) -> Dataset:
    """Data as the model is measured on them."""
    data = open_dataset(path)
    check_kind(predictor.info, options.model, data)
    data = for_model(wing_of(data.kind).doors().as_learned(data, predictor.info), predictor.info.config)
    tell(DataFaults((path,), tuple(data.problems)))
    if len(data) == 0:
        raise DataError(f"{path} holds no images.")
    most = options.verify_images
    return data if most is None or most >= len(data) else subset(data, sorted(spread_order(len(data))[:most]))


def _examples(predictor: Predictor) -> Dataset | None:
    """The package's example pictures, with what the model finds in them; None for models of other files."""
    info, config = predictor.info, predictor.info.config
    colours = kinds()[info.notes.get("kind", "image")].is_picture and config.in_channels == COLOURS
    if not colours or not config.finds_objects:
        return None
    folder = EXAMPLES / ("nuclei" if config.preprocess.stretch else "photos")
    return told_by(predictor, sorted(folder.iterdir()), read_image)


def _refusal(options: ExportOptions, trials: Sequence[Trial]) -> str:
    proof = trials[-1].proof
    assert proof is not None
    worst = max(proof.measures, key=lambda name: proof.measures[name][0] - proof.measures[name][1])
    model, file = proof.measures[worst]
    though = f"with {trials[-1].left:.0%} of its work in floats " if options.int8 else ""
    return (
        f"{options.out} was not written: {though}its {worst} is {file:.4f} and the model's {model:.4f}, a drop of more "
        f"than {options.budget:g}; allow more with --max-drop, or export it with more precision."
    )
