"""``load("everyday")`` gives a model that is called with a file, an address, a picture in memory, or many of these."""

from __future__ import annotations

import dataclasses
import difflib
import os
import tempfile
import warnings
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from maskrcnn.checkpoints.lookup import load_model
from maskrcnn.checks import device_named, usable_device
from maskrcnn.data.parsing.fetching import fetch_input, is_address
from maskrcnn.errors import DataError, MaskRCNNError, UsageError
from maskrcnn.face import habits
from maskrcnn.face.found import Found, nothing_found
from maskrcnn.face.sources import is_many, name_of, paths_of
from maskrcnn.face.tracked import FoundInFrame, track
from maskrcnn.inference.look_size import check_look_size
from maskrcnn.inference.options import PredictOptions
from maskrcnn.inference.predictor import Predictor
from maskrcnn.inference.whole_extent import parts_in
from maskrcnn.modalities.inputs import wing_of_model
from maskrcnn.modalities.wing import Wing
from maskrcnn.models.head import heads_of
from maskrcnn.pretrained import DEFAULT_MODEL
from maskrcnn.video.reading.clip import Part

OPTIONS = tuple(field.name for field in dataclasses.fields(PredictOptions))


def load(model: str | Path = DEFAULT_MODEL, device: str | int = "cpu", **options: Any) -> Model:
    """Load a model.

    Args:
        model: a shipped model (``"everyday"``, ``"people"``, ``"nuclei"``, ``"ecg"`` ...; `maskrcnn models` lists
            them), one that torchvision publishes (``"coco"``, fetched once), or a file of ours, torchvision's or
            detectron2's.
        device: ``cpu``, ``cuda`` or ``mps``; a number is a graphics card's, 0 the first.
        options: what every call wants: fields of :class:`PredictOptions` such as ``score=0.3``.

    Returns:
        The model, which is called with what it is to look at.

    Raises:
        UsageError: no such model, option or device.
        CheckpointError: a damaged file.
    """
    device = device_named(device)
    try:
        usable_device(device)
    except UsageError as error:  # which names a flag
        raise UsageError(str(error).removeprefix("--")) from None
    predictor = Predictor(*load_model(model), device=device, options=PredictOptions())
    return Model(_changed(predictor, options), str(model))


@dataclass(frozen=True, eq=False)
class Model:
    """A trained model that takes anything. Nothing about it changes: several threads may share one.

    ``model(source, **options)`` gives, for

    * the path of a file, an address (``https://...``), a PIL image, an array or tensor ``[H, W, C]``, ``[C, H, W]`` or
      ``[H, W]`` (uint8, or float 0..1), a :class:`Signal` or a :class:`Volume`: a :class:`Found`;
    * a list or tuple of these: a list of :class:`Found`, in the same order;
    * a folder, a pattern (``"photos/*.jpg"``) or an iterator: an iterator of :class:`Found`, which looks at one after
      another as it is asked.

    In the last two a file that cannot be used is warned of and comes as a :class:`Found` with its ``failure``, so that
    one bad file ends no long job; by itself it is an error.

    Attributes:
        predictor: the model as functions on tensors.
        name: by which it was loaded.
    """

    predictor: Predictor
    name: str = ""

    @property
    def class_names(self) -> tuple[str, ...]:
        """Of labels 1..K: label k is ``class_names[k - 1]``."""
        return self.predictor.class_names

    def __repr__(self) -> str:
        names, wing = self.class_names, self._wing
        some = ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")
        does = f"finds {some}" if self.predictor.info.config.finds_objects else f"tells {some} apart"
        return f"{self.name or 'a model'}: {does} in {wing.nouns}"

    __getattr__ = habits.sentences(habits.OF_A_MODEL)

    def __call__(self, source: Any, spacing: Sequence[float] | None = None, **options: Any) -> Any:
        """Look at one thing or at many, see the class.

        Args:
            source: what to look at.
            spacing: of an array that is a recording or a scan: extent of a sample, x first, in seconds or millimetres.
            options: what this call wants: fields of :class:`PredictOptions` such as ``score=0.3``.

        Returns:
            A :class:`Found`, a list of them, or an iterator.

        Raises:
            DataError: one file that cannot be read or looked at, or a folder that holds none.
            UsageError: an option that there is not, or that does not fit the model.
            TypeError, ValueError: what is nothing to look at; the sentence says what is accepted.
        """
        model = self.with_options(**options) if options else self
        if isinstance(source, list | tuple):
            return list(model.each(source, spacing))
        if isinstance(source, str | os.PathLike) and not is_address(source):
            files = paths_of(Path(source), self._wing)
            return model.each(files, spacing) if is_many(Path(source), files) else model.one(files[0], spacing)
        if isinstance(source, Iterator):
            return model.each(source, spacing)
        return model.one(source, spacing)

    def with_options(self, **options: Any) -> Model:
        """The same model (not a copy) with other options, fields of :class:`PredictOptions`.

        Raises:
            UsageError: an option that there is not, or that does not fit the model.
        """
        return dataclasses.replace(self, predictor=_changed(self.predictor, options))

    def one(self, source: Any, spacing: Sequence[float] | None = None) -> Found:
        """Look at one thing: not a list, nor a folder.

        Args:
            source: a path, an address, or what is in memory.
            spacing: of an array that is a recording or a scan.

        Returns:
            What was found.

        Raises:
            DataError, TypeError, ValueError: what cannot be looked at.
        """
        if is_address(source):
            with tempfile.TemporaryDirectory(prefix="maskrcnn-") as folder:
                file = fetch_input(source, Path(folder))
                try:
                    return self._look(file, str(source), spacing)
                except DataError as error:  # of the file here, which nobody knows
                    raise DataError(str(error).replace(str(file), str(source))) from None
        path = Path(source) if isinstance(source, str | os.PathLike) else None
        return self._look(source if path is None else path, name_of(source), spacing)

    def each(self, sources: Iterable[Any], spacing: Sequence[float] | None = None) -> Iterator[Found]:
        """Look at one thing after another; what fails is warned of and comes with its ``failure``.

        Args:
            sources: paths, addresses, or what is in memory.
            spacing: of arrays that are recordings or scans.

        Yields:
            What was found in each, in the same order.
        """
        for number, source in enumerate(sources):
            try:
                found = self.one(source, spacing)
            except (MaskRCNNError, TypeError, ValueError, OSError) as error:
                name = name_of(source) or f"number {number}"
                failure = str(error) if name_of(source) else f"{name} of the list: {error}"
                warnings.warn(failure, stacklevel=2)
                found = nothing_found(self.predictor.info, name, failure)
            yield found

    def track(
        self,
        source: str | Path | int,
        every: int = 1,
        start: float = 0.0,
        end: float | None = None,
        fps: float | None = None,
        unsure: bool = False,
        **options: Any,
    ) -> Iterator[FoundInFrame]:
        """Follow the objects of a video, frame by frame as they are asked for; ``predict`` goes the same way.

        Args:
            source: a file, a folder of frames, the address of a stream (``rtsp://...``) or the number of a camera.
            every: of so many frames one is looked at.
            start: seconds, from which on.
            end: seconds, before which; None: to the end.
            fps: at most so many frames of a second; of a folder: how many make a second.
            unsure: objects that do not count (yet) come too, with the number 0.
            options: what this call wants: fields of :class:`PredictOptions` such as ``classes=("person",)``.

        Yields:
            A :class:`Found` for each frame, with ``index``, ``time``, ``image`` and the number of each object, ``ids``.

        Raises:
            DataError: no such video, or one that cannot be read.
            UsageError: an option that there is not, or what reads videos is not installed.
        """
        model = self.with_options(**options) if options else self
        yield from track(model.predictor, source, Part(every, start, end, fps), unsure)

    @property
    def _wing(self) -> Wing:
        return wing_of_model(self.predictor.info)

    def _look(self, source: Any, name: str, spacing: Sequence[float] | None) -> Found:
        file = self._wing.doors().open_one(self.predictor, source, spacing)
        for note in file.notes:
            warnings.warn(note, stacklevel=4)
        if isinstance(source, Path):
            check_look_size(source, self.predictor, file.samples, file.spacing)
        try:
            objects = self.predictor(file.samples, file.spacing)
        except (RuntimeError, MemoryError) as error:
            reason = (str(error).splitlines() or ["out of memory"])[0]
            raise DataError(f"{name or 'This'}: the model failed on it ({reason}); try a smaller tile=.") from error
        if not all(kind.is_picture for kind in self._wing.kinds):
            objects = parts_in(self.predictor, file.samples, file.spacing, objects)
        return Found(objects, self.predictor.info, file, name, heads=heads_of(self.predictor.model))


def _changed(predictor: Predictor, options: dict[str, Any]) -> Predictor:
    """The predictor with other options. Raises UsageError, with the nearest name for one that there is not."""
    for name in options:
        if name not in OPTIONS:
            near = habits.OPTIONS.get(name) or next(iter(difflib.get_close_matches(name, OPTIONS, n=1)), "")
            if near and near not in OPTIONS:
                raise UsageError(f"There is no option {name}: {near}.")
            meant = f"did you mean {near}? There are" if near else "there are"
            raise UsageError(f"There is no option {name}: {meant} {', '.join(OPTIONS)}.")
    if isinstance(options.get("classes"), str | int):
        options = {**options, "classes": (options["classes"],)}
    return predictor.with_options(**options) if options else predictor
