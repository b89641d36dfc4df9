"""Reads files that lie alike, sample on sample, into one table of samples."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from scipy import ndimage

from maskrcnn.association.fields import AlignedFiles, Field
from maskrcnn.association.permutations import Maps
from maskrcnn.association.values import Values
from maskrcnn.errors import DataError, UsageError
from maskrcnn.jobs.association.options import AssociateOptions
from maskrcnn.jobs.events import InputFailed, Note, Progress, Tell

FWHM = 8**0.5 * np.log(2) ** 0.5  # of a Gaussian, in deviations
NEAR = 1e-2  # of a sample: how far two files may lie apart
SCALES = 3.0  # times: files whose deviations differ by more have grey values of different scales


@dataclass
class Read:
    """What was read.

    Attributes:
        mean: of all files, in the place of the first.
        maps: where the samples that are tested lie.
        kept: which of the files could be read.
        failures: a sentence for each that could not.
    """

    mean: Field
    maps: Maps
    kept: list[int]
    failures: list[str] = field(default_factory=list)


class Reader:
    """Reads files as they are asked for: cut, smoothed, standardised.

    Args:
        files: of the wing.
        options: what is done to samples.
        cuts: where each file is cut, tensor order; empty: nowhere.
    """

    def __init__(
        self, files: AlignedFiles, options: AssociateOptions, cuts: dict[Path, tuple[slice, ...]] | None = None
    ) -> None:
        self.files, self.options, self.cuts = files, options, cuts or {}

    def __call__(self, path: Path) -> Field:
        found = self.files.read(path)
        samples = found.samples
        if self.options.standardise:
            samples = standardised(samples)
        if self.options.smooth:
            samples = smoothed(path, samples, found, self.options.smooth)
        found = dataclasses.replace(found, samples=samples)
        return self.files.cut(found, self.cuts[path]) if path in self.cuts else found


def standardised(samples: np.ndarray) -> np.ndarray:
    """Samples with mean 0 and deviation 1 over those that are not 0; these stay 0."""
    inside = samples != 0
    own = samples[inside].astype(np.float64)
    scale = own.std() if own.size and own.std() > 0 else 1.0
    return np.where(inside, (samples - (own.mean() if own.size else 0)) / scale, 0).astype(np.float32)


def smoothed(path: Path, samples: np.ndarray, found: Field, width: float) -> np.ndarray:
    """Samples ``[C, *S]`` after a Gaussian of a width (FWHM).

    Args:
        path: of the file, for the sentence.
        samples: to be smoothed.
        found: the file, for its spacing.
        width: in the unit of the spacing.

    Returns:
        The same, float32.

    Raises:
        UsageError: the file has no spacing.
    """
    if found.spacing is None:
        raise UsageError(f"{path} does not say how far its samples lie apart, which --smooth needs.")
    deviations = [0.0, *(width / FWHM / step for step in reversed(found.spacing))]
    return np.asarray(ndimage.gaussian_filter(samples, deviations, mode="nearest"), dtype=np.float32)


def middle_cuts(
    files: AlignedFiles, paths: Sequence[Path], labels_of: Callable[[Path], Path], tell: Tell
) -> dict[Path, tuple[slice, ...]]:
    """Where files are cut so that the middles of their labels lie in one place, by whole samples.

    Args:
        files: of the wing.
        paths: of the files.
        labels_of: the label map of a file.
        tell: is given :class:`Progress`.

    Returns:
        Slices of one size, the largest that all files have around their middles.

    Raises:
        DataError: labels that cannot be read or hold nothing.
    """
    middles, shapes = [], []
    for number, path in enumerate(paths):
        numbers = files.read_labels(labels_of(path))
        inside = np.nonzero(numbers > 0)
        if not len(inside[0]):
            raise DataError(f"{labels_of(path)} holds no label, so --align cannot tell where its middle is.")
        middles.append([round(float(axis.mean())) for axis in inside])
        shapes.append(numbers.shape)
        tell(Progress("finding middles", number + 1, len(paths)))
    middle = np.array(middles)
    before, behind = middle.min(axis=0), (np.array(shapes) - middle).min(axis=0)
    return {
        path: tuple(slice(int(m - b), int(m + a)) for m, b, a in zip(own, before, behind))
        for path, own in zip(paths, middle)
    }


def read_samples(reader: Reader, paths: Sequence[Path], folder: Path, tell: Tell) -> tuple[Read, Values]:
    """Read all files.

    Args:
        reader: of a file.
        paths: of the files.
        folder: for a temporary file, where samples are many.
        tell: is given :class:`Progress` and what fails.

    Returns:
        What was read; and the samples of the mask, ``[n, V]``.

    Raises:
        DataError: files that do not lie alike, a mask of another shape, or no file that can be read.
    """
    values, first = None, None
    kept: list[int] = []
    failures: list[str] = []
    deviations: list[float] = []
    for number, path in enumerate(paths):
        try:
            found = reader(path)
        except DataError as error:
            failures.append(str(error))
            tell(InputFailed(path, str(error)))
            continue
        if values is None or first is None:
            values, first = Values(len(paths), found.samples.size, folder), (path, found)
            sums, filled = np.zeros(found.samples.shape), np.zeros(found.samples.shape, dtype=np.int32)
            low, high = found.samples.copy(), found.samples.copy()
        check_alike(first, (path, found), bool(reader.cuts))
        values.array[len(kept)] = found.samples.ravel()
        sums += found.samples
        filled += found.samples != 0
        np.minimum(low, found.samples, out=low)
        np.maximum(high, found.samples, out=high)
        deviations.append(float(found.samples.std()))
        kept.append(number)
        tell(Progress("reading", number + 1, len(paths)))
    if values is None or first is None:
        raise DataError(failures[0])
    if min(deviations) * SCALES < max(deviations) and not reader.options.standardise:
        tell(
            Note(
                "note: the values of some files vary more than three times as much as those of others; if their scales "
                "mean nothing, add --standardise."
            )
        )
    mask = (high > low) & (filled * 2 >= len(kept))
    if reader.options.mask is not None:
        mask &= _given_mask(reader.files, reader.options.mask, mask)
    if not mask.any():
        raise DataError("No sample that is looked at differs between the files, so nothing can go with the label.")
    values.keep(np.arange(len(kept)), np.flatnonzero(mask))
    mean = dataclasses.replace(first[1], samples=(sums / len(kept)).astype(np.float32))
    return Read(mean, Maps(mask), kept, failures), values


def check_alike(first: tuple[Path, Field], other: tuple[Path, Field], cut: bool = False) -> None:
    """Refuse a file that does not lie as the first one does.

    Args:
        first: the path of a file, and what it holds.
        other: of another file.
        cut: files were moved, so that their own places mean nothing any more.

    Raises:
        DataError: which says what to do.
    """
    (one, a), (two, b) = first, other
    do = (
        "associate compares sample with sample, so register all files to one template first; or move each by the "
        "middle of its labels (--align LABELS), or measure regions or objects, which need not lie alike (--regions "
        "LABELS, --model NAME)."
    )
    if a.samples.shape != b.samples.shape:
        shapes = [" x ".join(str(side) for side in reversed(f.samples.shape[1:])) for f in (b, a)]
        channels = [f", {len(f.samples)} channels" if len(a.samples) != len(b.samples) else "" for f in (b, a)]
        raise DataError(f"{two} has {shapes[0]}{channels[0]} and {one} has {shapes[1]}{channels[1]}: {do}")
    steps = np.array(a.spacing if a.spacing is not None else 1.0)
    if a.spacing is not None and b.spacing is not None and not np.allclose(a.spacing, b.spacing, rtol=NEAR):
        raise DataError(f"{two} has another spacing than {one}: {do}")
    if cut or a.affine is None or b.affine is None:
        return
    if not np.allclose(a.affine, b.affine, atol=float(NEAR * steps.min())):
        raise DataError(f"{two} lies elsewhere than {one} (another affine): {do}")


def _given_mask(files: AlignedFiles, path: Path, like: np.ndarray) -> np.ndarray:
    numbers = files.read_labels(path)
    if numbers.shape != like.shape[1:]:
        shapes = [" x ".join(str(side) for side in reversed(shape)) for shape in (numbers.shape, like.shape[1:])]
        raise DataError(f"The mask {path} has {shapes[0]} and the files have {shapes[1]}: name one of their shape.")
    return np.broadcast_to(numbers > 0, like.shape)
