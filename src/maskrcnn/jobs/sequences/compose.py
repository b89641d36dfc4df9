"""Composes labelled sequences of others whose objects are known: who is behind whom is known exactly in every frame."""

from __future__ import annotations

import json
from collections import OrderedDict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path

import numpy as np
from PIL import Image

from maskrcnn.checks import new_folder
from maskrcnn.errors import DataError, UsageError
from maskrcnn.files import atomic_write
from maskrcnn.jobs.events import Progress, Tell, tell_nobody
from maskrcnn.jobs.options.compose import ComposeOptions
from maskrcnn.video.composed.scene import Material, Scene, make_scene
from maskrcnn.video.labelled.frames import frame_rate, frames_of, write_video
from maskrcnn.video.labelled.layout import CLASSES, LabelledSequence
from maskrcnn.video.labelled.read import read_class_names, read_numbers

KEPT = 8  # sequences whose cut-out objects are held in memory


@dataclass
class ComposedSequences:
    """What was made.

    Attributes:
        sequences, frames, objects: how many.
        failures: a sentence for each sequence that cannot be used.
    """

    sequences: int = 0
    frames: int = 0
    objects: int = 0
    failures: list[str] = field(default_factory=list)


def compose_sequences(options: ComposeOptions, tell: Tell = tell_nobody) -> ComposedSequences:
    """Write ``videos/NAME.mp4``, ``instances/NAME/NNNNN.png`` and ``classes.json`` into a new folder.

    The sequences take turns at being what the objects of others are pasted into. Sequence k follows from the seed and k
    alone. Its name is k and that of the sequence in which it takes place.

    Args:
        options: the sequences, which of them to take, how many to make and of how many frames.
        tell: is given :class:`Progress` after each sequence.

    Returns:
        How much was made.

    Raises:
        UsageError: the folder holds something already, a sequence that is not there was named, or PyAV is missing.
        DataError: no sequence can be used.
    """
    options.check()
    new_folder(options.out, "the sequences")
    made = ComposedSequences()
    library = _Library(_chosen(options))
    names = read_class_names(options.folder)
    classes: dict[str, str] = {}
    count = options.how_many()
    for index in range(count):
        base, scene = _draw(library, options, index, made)
        first = len(classes) + 1
        classes |= {str(first + k): names.get(name, name) for k, name in enumerate(scene.sources)}
        largest = count * (len(scene.layers) + 3)
        _write(options.out, f"{index:04d}-{base.name}", scene, first, largest, frame_rate(base.frames))
        with atomic_write(options.out / CLASSES) as beside:
            beside.write_text(json.dumps(classes, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
        made.sequences, made.frames = made.sequences + 1, made.frames + scene.length
        made.objects += len(scene.sources)
        tell(Progress("composing", index + 1, count))
    return made


def _chosen(options: ComposeOptions) -> list[LabelledSequence]:
    """The sequences that are composed of. Raises UsageError for names that there are not."""
    found = options.sequences_inside()
    known = [sequence.name for sequence in found]
    strangers = [name for name in options.sequences if name not in known]
    if strangers:
        raise UsageError(f"{options.folder} has no sequence {strangers[0]}; it has {', '.join(known)}.")
    return [sequence for sequence in found if not options.sequences or sequence.name in options.sequences]


class _Library(Mapping[str, Material]):
    """The objects of sequences by name, cut out when they are first asked for; some are forgotten again."""

    def __init__(self, sequences: list[LabelledSequence]) -> None:
        self.sequences = {sequence.name: sequence for sequence in sequences}
        self.held: OrderedDict[str, Material] = OrderedDict()

    def __iter__(self) -> Iterator[str]:
        return iter(self.sequences)

    def __len__(self) -> int:
        return len(self.sequences)

    def __getitem__(self, name: str) -> Material:
        if name not in self.held:
            try:
                self.held[name] = read_material(self.sequences[name], keep_frames=False)
            except DataError as error:
                raise _UnusableError(name, str(error)) from None
        self.held.move_to_end(name)
        while len(self.held) > KEPT:
            self.held.popitem(last=False)
        return self.held[name]


class _UnusableError(DataError):
    """A sequence that cannot be composed of."""

    def __init__(self, name: str, sentence: str) -> None:
        super().__init__(sentence)
        self.name = name


def _draw(
    library: _Library, options: ComposeOptions, index: int, made: ComposedSequences
) -> tuple[LabelledSequence, Scene]:
    """Sequence ``index``, of those that can be used; what cannot is left out of ``library`` from now on."""
    while library.sequences:
        names = sorted(library)
        base = library.sequences[names[index % len(names)]]
        random = np.random.default_rng([options.seed, index])
        try:
            try:
                material = read_material(base, keep_frames=True, frames=options.frames)
            except DataError as error:
                raise _UnusableError(base.name, str(error)) from None
            return base, make_scene(material, library, options.frames, random)
        except _UnusableError as error:
            made.failures.append(str(error))
            del library.sequences[error.name]
    raise DataError(f"None of the sequences of {options.folder} can be used; the first fault: {made.failures[0]}")


def read_material(sequence: LabelledSequence, keep_frames: bool, frames: int | None = None) -> Material:
    """A sequence to compose of. Where a picture has several numbers, all of them together are its object.

    Args:
        sequence: of a folder.
        keep_frames: whether its frames are kept beside its objects.
        frames: how many are read at most.

    Returns:
        What it gives.

    Raises:
        DataError: it has no frames, no pictures of numbers, or the two do not fit.
    """
    if sequence.frames is None:
        raise DataError(f"{sequence.labels} has no video: put one of its name into videos/.")
    pictures = sequence.pictures()
    kept, masks = [], []
    for index, frame in enumerate(frames_of(sequence.frames)):
        if index == frames or index not in pictures:
            break
        numbers = read_numbers(pictures[index])
        if numbers.shape != frame.shape[:2]:
            raise DataError(
                f"{pictures[index]} has {numbers.shape[1]} x {numbers.shape[0]} pixels, but the frames of "
                f"{sequence.frames} have {frame.shape[1]} x {frame.shape[0]}."
            )
        kept.append(frame)
        masks.append(numbers > 0)
    material = Material.of(sequence.name, kept, masks)
    if not material.shows_object:
        raise DataError(f"{sequence.labels} labels no object from its frame 00000 on; each frame needs NNNNN.png.")
    return material if keep_frames else Material(material.name, [], material.objects)


def _write(out: Path, name: str, scene: Scene, first: int, largest: int, rate: Fraction) -> None:
    """A scene whose numbers begin at ``first``; the video comes last, so where there is one, it is whole."""
    depth = np.uint8 if largest <= np.iinfo(np.uint8).max else np.uint16

    def written() -> Iterator[np.ndarray]:
        for frame, (image, numbers) in enumerate(scene.frames()):
            with atomic_write(out / "instances" / name / f"{frame:05d}.png") as beside:
                Image.fromarray(np.where(numbers > 0, numbers + first - 1, 0).astype(depth)).save(beside)
            yield image

    with atomic_write(out / "videos" / f"{name}.mp4") as beside:
        write_video(beside, written(), rate)
