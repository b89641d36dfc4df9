"""``train`` and ``evaluate``: what the commands of these names do, as functions with the same settings."""

from __future__ import annotations

import dataclasses
import json
import re
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any

from maskrcnn.apps.cli.console import Screen
from maskrcnn.apps.cli.words.flags import meant
from maskrcnn.apps.cli.words.habits import FILES
from maskrcnn.checkpoints.lookup import load_model
from maskrcnn.checks import memory_explained, result_folder
from maskrcnn.data.dataset import Dataset
from maskrcnn.errors import MaskRCNNError, UsageError
from maskrcnn.evaluation import evaluate as measuring
from maskrcnn.face.model import Model
from maskrcnn.face.records import Evaluation, Training
from maskrcnn.files import is_file
from maskrcnn.inference.options import PredictOptions
from maskrcnn.inference.predictor import Predictor
from maskrcnn.jobs import evaluate as evaluate_job
from maskrcnn.jobs import train as train_job
from maskrcnn.jobs.events import Event, Note, Progress, Tell, tell_nobody
from maskrcnn.jobs.options.train import Recipe, TrainOptions
from maskrcnn.modalities.inputs import default_of_kind
from maskrcnn.modalities.kinds import check_kind
from maskrcnn.modalities.open import open_dataset
from maskrcnn.modalities.table import wing_of

THE_MODEL = "the model"
PLAN, METRICS = "plan.yaml", "metrics.json"
PATHS = ("out", "val", "body_weights")  # settings of a training that are a path
RECIPE = {field.name for field in dataclasses.fields(Recipe)}
ALL = {field.name for field in dataclasses.fields(TrainOptions)} - {"recipe", "data"} | RECIPE
PLANNED = {"model", "val_fraction", *RECIPE}  # what a plan says unless the user does
LOOKS = {"image_size", "tile", "overlap", "flip", "sharp", "raw_masks"}
RESAMPLINGS = 1000  # of the images, as the command has it


def train(*data: str | Path, quiet: bool = False, **settings: Any) -> Training:
    """Train on your own data, as ``maskrcnn train`` does: what no setting says is planned, see ``out/plan.yaml``.

    ``train("DATA", time="25m")`` looks at the data, times a few steps, and keeps the time, planning and report
    included. Settings are the command's flags with underscores: ``out``, ``val``, ``time``, ``model``, ``epochs``,
    ``image_size``, ``plan_only=True``, ``resume=True`` ... (`maskrcnn train --help`).

    Args:
        data: labelled files of any kind that is read; several are trained on together.
        quiet: show nothing of how it goes.
        settings: the command's flags.

    Returns:
        The folder, the plan, the best model and what it is worth on the held-out files.

    Raises:
        UsageError: settings that there are not, or that cannot be followed.
        DataError: data that cannot be read, or in which nothing is labelled.
    """
    _refuse_unknown(settings, ALL)
    given = sorted(PLANNED & set(settings))  # also where they have their default: to ask for it is asking too
    settings = {name: _as_setting(name, value) for name, value in settings.items()}
    recipe = Recipe(**{name: settings.pop(name) for name in list(settings) if name in RECIPE})
    options = TrainOptions(tuple(map(Path, data)), recipe=recipe, **settings)
    with _in_python(), _shown(quiet) as tell:
        try:
            done = train_job.train(options, tell, given)
        except KeyboardInterrupt:
            if isinstance(tell, Screen) and tell.training is not None:
                named = [repr(str(path)) for path in data] + ([f"val={str(options.val)!r}"] if options.val else [])
                again = ", ".join([*named, f"out={str(tell.training)!r}", "resume=True"])
                tell(Note(f"Interrupted. To go on: maskrcnn.train({again})"))
            raise
    plan = done.out / PLAN
    metrics = json.loads((done.out / METRICS).read_text()) if is_file(done.out / METRICS) else {}
    return Training(done.out, plan if is_file(plan) else None, done.best, metrics)


def evaluate(
    predictor: Predictor | Model | str | Path,
    dataset: Dataset | str | Path | None = None,
    max_detections: int | None = None,
    bootstrap: int | None = None,
    batch: int = 4,
    progress: Callable[[int], bool | None] | None = None,
    watch: measuring.Watch | None = None,
    **settings: Any,
) -> Evaluation:
    """Measure a model on labelled data: COCO's metrics, and those of the field that the data come from.

    ``evaluate("runs/mine/best.safetensors", "DATA")``, ``evaluate("DATA", model="people")`` and
    ``evaluate(predictor, open_dataset("DATA"))`` are all understood. Classes are matched by name.

    Args:
        predictor: a model, its name or file; or, by itself, the data.
        dataset: labelled files of the kind that the model looks at: open, or their path.
        max_detections: most detections counted in an image; None: the model's own cap.
        bootstrap: resamplings of the images for 95 % intervals; None: 1000, or, of a predictor with an open data set,
            none.
        batch: images that run together.
        progress: called with the number of images done so far. Of a predictor with an open data set, True ends the
            evaluation with these.
        watch: of a predictor with an open data set: called for each image with its labels, its samples and all that
            was found in it.
        settings: ``out``, a folder for ``metrics.json`` and ``report.html``; ``model``, ``device``, ``quiet=True``; and
            how the model looks: ``image_size``, ``tile``, ``overlap``, ``flip``, ``sharp``, ``raw_masks``.

    Returns:
        The result. It unpacks into the measures and a sentence for each image that was left out.

    Raises:
        UsageError: no such model or setting, or a model of another kind of files.
        DataError: the data cannot be read, or share no class with the model.
    """
    _refuse_unknown(settings, {"out", "model", "device", "quiet", *LOOKS})
    if dataset is None:
        if isinstance(predictor, Predictor | Model):
            raise UsageError('Name the labelled data too, as in evaluate(model, "DATA").')
        predictor, dataset = settings.pop("model", None) or "", predictor
    with _in_python():
        if isinstance(predictor, Predictor) and isinstance(dataset, Dataset) and not settings:
            hooks = {"progress": progress, "watch": watch}
            given: dict[str, Any] = {name: hook for name, hook in hooks.items() if hook is not None}
            result = measuring.evaluate(predictor, dataset, max_detections, bootstrap or 0, batch, **given)
            return Evaluation(*result)
        if watch is not None:
            raise UsageError("watch is for a predictor with an open data set: evaluate(predictor, open_dataset(...)).")
        with _shown(settings.pop("quiet", False)) as tell:
            how = evaluate_job.Measuring(
                "", max_detections, RESAMPLINGS if bootstrap is None else bootstrap, batch, page="out" in settings
            )
            return _measure(predictor, dataset, how, settings, _telling_both(tell, progress))


def _measure(
    given: Predictor | Model | str | Path,
    dataset: Dataset | str | Path,
    how: evaluate_job.Measuring,
    settings: dict[str, Any],
    tell: Tell,
) -> Evaluation:
    """As the command measures; files are written where a folder is named for them."""
    out, device = settings.pop("out", None), settings.pop("device", "cpu")
    data = dataset if isinstance(dataset, Dataset) else open_dataset(dataset)
    if isinstance(given, Model):
        predictor, name = given.predictor, given.name or THE_MODEL
    elif isinstance(given, Predictor):
        predictor, name = given, THE_MODEL
    else:
        name = str(given) or default_of_kind(data.kind, data.path)
        predictor = Predictor(*load_model(name), device=device, options=PredictOptions())
    check_kind(predictor.info, name, data)
    data = wing_of(data.kind).doors().as_learned(data, predictor.info)
    predictor = predictor.with_options(**settings)
    how = dataclasses.replace(how, model_name=name)
    with nullcontext(out) if out is not None else tempfile.TemporaryDirectory(prefix="maskrcnn-") as folder:
        result_folder(Path(folder))
        done = evaluate_job.measure(predictor, data, Path(folder), how, tell)
    written = (done.metrics, done.page) if out is not None else (None, None)
    return Evaluation(done.result, done.failures, *written)


def _telling_both(tell: Tell, progress: Callable[[int], bool | None] | None) -> Tell:
    def told(event: Event) -> None:
        tell(event)
        if progress is not None and isinstance(event, Progress):
            progress(event.done)

    return told


@contextmanager
def _shown(quiet: bool) -> Iterator[Tell]:
    """What a job tells, on the terminal or in the notebook, or nowhere."""
    if quiet:
        yield tell_nobody
        return
    with Screen() as screen:
        yield screen


def _refuse_unknown(settings: Mapping[str, Any], known: set[str]) -> None:
    """Raise UsageError for a setting that there is not, with the nearest that there is."""
    for name in settings:
        if name not in known:
            if name in FILES:
                raise UsageError(f'There is no setting {name}: name the files first, as in train("DATA", time="25m").')
            near = meant(name, {setting.replace("_", "-") for setting in known}).replace("-", "_").lstrip("_")
            known_by = f"did you mean {near}?" if near in known else f"there are {', '.join(sorted(known))}."
            raise UsageError(f"There is no setting {name}: {known_by}")


def _as_setting(name: str, value: Any) -> Any:
    """A value as the records have it: paths where they are meant, tuples for lists."""
    if name in PATHS and value is not None:
        return Path(value)
    if name in ("mask_data", "log"):
        several = [value] if isinstance(value, str | Path) else value
        return tuple(map(Path if name == "mask_data" else str, several))
    if name in ("plan", "model") and isinstance(value, Path):
        return str(value)
    return tuple(value) if isinstance(value, list) else value


@contextmanager
def _in_python() -> Iterator[None]:
    """Within the block, sentences for users of the command line name settings as Python writes them."""
    try:
        with memory_explained():
            yield
    except MaskRCNNError as error:
        words = re.sub(r"--([a-z][a-z-]*)", lambda flag: flag[1].replace("-", "_"), str(error))
        raise type(error)(words) from error.__cause__
