"""How well labels of whole files are told: accuracy and AUC, or R², with intervals from resampling the files."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from rich.table import Table
from torch import Tensor

from maskrcnn.checks import few
from maskrcnn.data.dataset import Dataset
from maskrcnn.data.transforms.regrid import check_scale
from maskrcnn.errors import DataError
from maskrcnn.evaluation.coco import CocoResult
from maskrcnn.inference.look_size import check_look_size
from maskrcnn.inference.predictor import Predictor
from maskrcnn.inference.whole_parts import whole_evidence_of
from maskrcnn.structures import Instances, Record

PERCENT = (2.5, 97.5)
SURE = 1e-6  # probabilities are kept this far from 0 and 1, so that one file does not count for all


@dataclass(frozen=True)
class WholeScores:
    """What was told of files.

    Attributes:
        class_names: of labels 1..K, or the name of the number.
        kind: ``classes``, ``labels`` or ``number``.
        names: of the files.
        told: float ``[F, K]``: probabilities, or ``[F, 1]`` numbers.
        true: float ``[F, K]`` of 0 and 1, or ``[F, 1]``.
    """

    class_names: tuple[str, ...]
    kind: str
    names: tuple[str, ...]
    told: np.ndarray
    true: np.ndarray

    def metrics(self) -> dict[str, float | None]:
        """By name: ``whole/R2``, ``whole/MAE``; or ``whole/accuracy``, ``whole/AUC`` (the mean over labels) and
        ``whole/AUC/LABEL``; and ``whole/likelihood``, the geometric mean of the probabilities of what is true (of a
        number exp of minus the squared error in units of the variance)."""
        metrics = measured(self.told, self.true, self.kind)
        if self.kind != "number":
            each = [auc(self.told[:, k], self.true[:, k] > 0.5) for k in range(self.true.shape[1])]
            metrics |= {f"whole/AUC/{name}": value for name, value in zip(self.class_names, each)}
        return metrics

    def intervals(self, resamples: int, seed: int = 0) -> dict[str, tuple[float, float]]:
        """95 % intervals of the first of :meth:`metrics`, from files drawn again with replacement."""
        random, drawn = np.random.default_rng(seed), []
        for _ in range(resamples):
            rows = random.integers(0, len(self.told), len(self.told))
            drawn.append(measured(self.told[rows], self.true[rows], self.kind))
        found = {}
        for name in drawn[0] if drawn else ():
            values = [own for one in drawn if (own := one[name]) is not None]
            if values:
                low, high = np.percentile(values, PERCENT)
                found[name] = (float(low), float(high))
        return found

    def nothing_to_find(self, intervals: dict[str, tuple[float, float]]) -> bool:
        """Whether the files are told no better than by chance, as far as their number allows to say."""
        low = intervals.get("whole/R2" if self.kind == "number" else "whole/AUC", (1.0, 1.0))[0]
        return low <= (0.0 if self.kind == "number" else 0.5)


def measured(told: np.ndarray, true: np.ndarray, kind: str) -> dict[str, float | None]:
    """Measure all labels together.

    Args:
        told: float ``[F, K]``, see :class:`WholeScores`.
        true: the same of what is labelled.
        kind: of the labels.

    Returns:
        The measures by name, see :meth:`WholeScores.metrics`.
    """
    if kind == "number":
        error, spread = ((told - true) ** 2).mean(), true.var()
        r2 = float(1 - error / spread) if spread > 0 else None
        likelihood = float(np.exp(-error / spread)) if spread > 0 else None
        return {"whole/R2": r2, "whole/MAE": float(np.abs(told - true).mean()), "whole/likelihood": likelihood}
    sure = np.clip(told, SURE, 1 - SURE)
    aucs = [value for k in range(true.shape[1]) if (value := auc(told[:, k], true[:, k] > 0.5)) is not None]
    if kind == "classes":
        right, log = told.argmax(1) == true.argmax(1), np.log(sure[np.arange(len(true)), true.argmax(1)])
    else:
        right, log = (told >= 0.5) == (true > 0.5), np.log(np.where(true > 0.5, sure, 1 - sure))
    return {
        "whole/accuracy": float(right.mean()),
        "whole/AUC": float(np.mean(aucs)) if aucs else None,
        "whole/likelihood": float(np.exp(log.mean())),
    }


def auc(scores: np.ndarray, positive: np.ndarray) -> float | None:
    """The area under the ROC curve: how often a file that has the label has the higher score, ties by half.

    Args:
        scores: float ``[F]``.
        positive: bool ``[F]``.

    Returns:
        0..1; None where one side has no file.
    """
    count = int(positive.sum())
    if not 0 < count < len(positive):
        return None
    values, inverse, counts = np.unique(scores, return_inverse=True, return_counts=True)
    ranks = (np.cumsum(counts) - (counts - 1) / 2)[inverse]
    return float((ranks[positive].sum() - count * (count + 1) / 2) / (count * (len(positive) - count)))


def evaluate_whole(
    predictor: Predictor,
    dataset: Dataset,
    bootstrap: int = 0,
    progress: Callable[[int], bool | None] = lambda done: None,
    watch: Callable[[Record, Tensor, Instances], None] = lambda record, image, found: None,
) -> tuple[CocoResult, list[str]]:
    """Tell the labels of whole files and measure them, see :class:`WholeScores`.

    Args:
        predictor: of a model with a head for whole files.
        dataset: files with labels.
        bootstrap: resamplings of the files for 95 % intervals; 0 for none.
        progress: called with the number of files done so far; True ends the evaluation with these.
        watch: called for each file with its labels, its samples and what was said of it.

    Returns:
        The result, ``samples`` being the scores, and a sentence for each file that could not be read.

    Raises:
        DataError: no label in common, or no file that can be read.
    """
    columns = columns_of(predictor, dataset)
    names, told, true, failures = [], [], [], []
    for index in range(len(dataset)):
        try:
            record = dataset[index]
            check_scale(record.source, record.spacing, predictor.info.config.preprocess)
            image = dataset.read_image(record)
            check_look_size(record.source, predictor, image, record.spacing)
        except DataError as error:
            failures.append(str(error))
            continue
        found = predictor(image, record.spacing)
        evidence = whole_evidence_of(found)
        assert evidence is not None and record.file_labels is not None
        names.append(record.file_name)
        told.append(evidence.answer().numpy()[columns])
        true.append(record.file_labels)
        watch(record, image, found)
        if progress(len(names) + len(failures)):
            break
    if not names:
        raise DataError(f"{dataset.path}: none of {len(failures)} files can be read; the first: {failures[0]}")
    scores = WholeScores(dataset.class_names, dataset.file_labels, tuple(names), np.stack(told), np.stack(true))
    intervals = scores.intervals(bootstrap)
    metrics = scores.metrics()
    result = CocoResult(metrics, len(names), 0, 0, intervals, tables=(table_of(metrics, intervals),), samples=scores)
    return result, failures


def columns_of(predictor: Predictor, dataset: Dataset) -> list[int]:
    """The model's row for each label of the data, by name.

    Raises:
        DataError: another kind of labels, or one that the model does not know.
    """
    own = predictor.info.config.whole_head
    if own is None:
        raise DataError(f"{dataset.path} has labels of whole files, and the model was not trained on such labels.")
    if (own.kind == "number") != (dataset.file_labels == "number"):
        raise DataError(f"The labels of {dataset.path} are {dataset.file_labels}, and the model tells {own.kind}.")
    if own.kind == "number":
        return [0]
    known = {name: k for k, name in enumerate(predictor.class_names)}
    strange = [name for name in dataset.class_names if name not in known]
    if strange:
        raise DataError(
            f"{dataset.path} has the labels {few(strange)}, and the model knows {few(list(known))}; take their rows "
            "out of the table, or train with them."
        )
    return [known[name] for name in dataset.class_names]


def table_of(metrics: dict[str, float | None], intervals: dict[str, tuple[float, float]]) -> Table:
    """The measures, to print."""
    table = Table("", "value", "95 %")
    for name, value in metrics.items():
        low_high = intervals.get(name)
        table.add_row(
            name,
            "-" if value is None else f"{value:.3f}",
            "" if low_high is None else f"{low_high[0]:.3f} to {low_high[1]:.3f}",
        )
    return table
