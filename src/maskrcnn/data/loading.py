"""Batches of samples for one epoch: the same whatever the number of worker processes, and from any batch on."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import torch
import torch.utils.data
from torch import Tensor

from maskrcnn.data.dataset import Dataset
from maskrcnn.data.transforms.copy_paste import copy_paste
from maskrcnn.data.transforms.samples import Sample, TrainTransform, sample_generator
from maskrcnn.errors import DataError
from maskrcnn.structures import Record

Transform = Callable[[Tensor, Record, np.random.Generator], Sample]


@dataclass(frozen=True)
class Epoch:
    """Which samples of an epoch are given, and in which order.

    Attributes:
        seed: of the training; all that is random follows from it and the number.
        number: of the epoch, from 0.
        shuffle: in an order drawn for this epoch, or in that of the data set.
        start_batch: the first batch to give, to go on inside an epoch exactly as if it had not been
            broken off.
        share: (k, n) gives every n-th sample of each batch from the k-th on: what process k of n
            trains on.
        factors: ``[N]``, how often each image comes against the others, see :func:`repeated_order`;
            None: each once.
    """

    seed: int = 0
    number: int = 0
    shuffle: bool = True
    start_batch: int = 0
    share: tuple[int, int] = (0, 1)
    factors: np.ndarray | None = None

    def order(self, length: int) -> np.ndarray:
        """int64 ``[length]``: the images of a data set of so many in the order of this epoch."""
        if self.factors is not None:
            return repeated_order(self.factors, self.seed, self.number)
        return epoch_order(length, self.seed, self.number, self.shuffle)


AS_STORED = Epoch(shuffle=False)  # every image once, in the order of the data set


def epoch_order(length: int, seed: int, epoch: int, shuffle: bool) -> np.ndarray:
    """Draw the order of the images in an epoch.

    Args:
        length: images of the data set.
        seed: of the training.
        epoch: its number.
        shuffle: else they come in the order of the data set.

    Returns:
        int64 ``[length]``, the indices 0..length - 1.
    """
    return np.random.default_rng([seed, epoch]).permutation(length) if shuffle else np.arange(length)


def repeated_order(factors: np.ndarray, seed: int, epoch: int) -> np.ndarray:
    """Draw the order of an epoch in which each image comes about as often as its factor says.

    An epoch is as long as it is without factors; an image comes the whole number below or above its
    share of it, by chance. The second time that it comes, its index is larger by the number of
    images, the third time by twice that: so that what is drawn for it differs, and is the same in
    every process and after a resume.

    Args:
        factors: ``[N]``, how often each image comes against the others.
        seed: of the training.
        epoch: its number.

    Returns:
        int64 ``[N]``.
    """
    length, generator = len(factors), np.random.default_rng([seed, epoch])
    order = generator.permutation(length)
    share = np.cumsum(factors[order]) * (length / factors.sum())
    picked = np.searchsorted(share, np.arange(length) + generator.random(), side="right")
    picked = order[np.minimum(picked, length - 1)]  # in runs of the same image
    first = np.searchsorted(np.sort(picked), picked)
    arranged = np.argsort(picked, kind="stable")
    times = np.empty(length, dtype=np.int64)
    times[arranged] = np.arange(length) - first[arranged]
    return generator.permutation(picked + length * times)


def epoch_loader(
    dataset: Dataset,
    transform: Transform,
    batch_size: int,
    epoch: Epoch = AS_STORED,
    workers: int = 0,
) -> Iterator[list[Sample]]:
    """The batches of one epoch.

    What cannot be read is named in a warning, once, and left out of its batch, which may leave nothing of it.

    Args:
        dataset: to load from.
        transform: makes a sample of an image, its record and a generator of (seed, epoch, index).
        batch_size: samples in a batch; the last one may have fewer.
        epoch: which samples, and in which order.
        workers: processes that load ahead; 0 loads in this one.

    Yields:
        The samples of each batch.

    Raises:
        DataError: where not one image can be read.
    """
    order, (process, processes) = epoch.order(len(dataset)), epoch.share
    batches = [order[k : k + batch_size].tolist() for k in range(0, len(order), batch_size)]
    loader = torch.utils.data.DataLoader(
        _Samples(dataset, transform, epoch.seed, epoch.number),
        batch_sampler=[batch[process::processes] for batch in batches[epoch.start_batch :]],
        num_workers=workers,
        collate_fn=list,
        worker_init_fn=_start_worker,
        generator=torch.Generator(),  # else each epoch would take a number from the training's own
        multiprocessing_context="fork" if workers and sys.platform == "linux" else None,
    )
    failures: list[str] = []
    loaded = 0
    for batch in loader:
        samples = [item for item in batch if isinstance(item, Sample)]
        failed = [item for item in batch if isinstance(item, str)]
        for sentence in failed:
            warnings.warn(f"An image was left out: {sentence}", stacklevel=2)
        failures += failed
        loaded += len(samples)
        yield samples
    if failures and not loaded:
        raise DataError(f"None of {len(failures)} images can be read; the first: {failures[0]}")


@dataclass(frozen=True)
class _Samples(torch.utils.data.Dataset[Sample | str]):
    """The samples of one epoch; in place of one that cannot be read, the sentence that says why."""

    dataset: Dataset
    transform: Transform
    seed: int
    epoch: int

    def __len__(self) -> int:
        return len(self.dataset)

    def __getitem__(self, index: int) -> Sample | str:
        """``index`` beyond the last image is that of an image that comes again."""
        generator = sample_generator(self.seed, self.epoch, index)
        own = index % len(self)
        try:
            sample = self._make(own, generator)
        except DataError as error:
            return str(error)
        sample = self._paste_into(sample, own, generator)
        sample.index = index
        return sample

    def _make(self, index: int, generator: np.random.Generator) -> Sample:
        record = self.dataset[index]
        return self.transform(self.dataset.read_image(record), record, generator)

    def _paste_into(self, sample: Sample, index: int, generator: np.random.Generator) -> Sample:
        """As often as the transform wants it, ``sample`` with objects of another image, varied on its own.

        Without copy-paste nothing is drawn. A donor that cannot be read gives nothing; its own turn names it.
        """
        augment = self.transform.augment if isinstance(self.transform, TrainTransform) else None
        if augment is None or len(self) < 2 or not augment.copy_paste or generator.random() >= augment.copy_paste:
            return sample
        other = (index + int(generator.integers(1, len(self)))) % len(self)
        try:
            donor = self._make(other, generator)
        except DataError:
            return sample
        return copy_paste(sample, donor, augment, generator)


def _start_worker(worker: int) -> None:
    torch.set_num_threads(1)  # the workers share the machine's cores with the training itself
