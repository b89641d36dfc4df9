"""The best parts of several songs in one mix: judged by a model, cut on bars, brought together, written."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from maskrcnn.checks import counted, duration
from maskrcnn.errors import DataError, MaskRCNNError, UsageError
from maskrcnn.files import is_folder, resolved
from maskrcnn.inference.predictor import Predictor
from maskrcnn.inference.whole_parts import whole_evidence_of
from maskrcnn.jobs.events import InputFailed, Note, Progress, Tell, tell_nobody
from maskrcnn.jobs.songs.options import FuseOptions
from maskrcnn.jobs.songs.written import Row, write_mix
from maskrcnn.modalities.signals.find import signals_in
from maskrcnn.modalities.signals.predict import check_channels
from maskrcnn.modalities.signals.read import read_signal
from maskrcnn.songs.arranging import Change, Part, changes, choose, order
from maskrcnn.songs.listening import Heard, listen
from maskrcnn.songs.mixing import Cut, Samples, change, finished, join, levelled, steps_at
from maskrcnn.songs.phrases import Phrase, best_phrases, said_by_bars

SOUND = "audio"
JUMP = 1.0  # dB at a cut: more is said


@dataclass(frozen=True)
class Judged:
    """A song, what is heard of it, and its parts, the best first."""

    path: Path
    heard: Heard
    phrases: tuple[Phrase, ...]


@dataclass(frozen=True)
class FuseOutcome:
    """What was mixed.

    Attributes:
        out: the mix; its table and picture lie beside it.
        rows: of its parts, in their order.
        seconds: how long it became.
        loudness: in LUFS.
        peak: in dBTP.
        steps: dB from the three seconds before each cut to those behind it.
        failures: a sentence for each song that was left out.
    """

    out: Path
    rows: tuple[Row, ...]
    seconds: float
    loudness: float
    peak: float
    steps: tuple[float, ...]
    failures: tuple[str, ...]

    @property
    def songs(self) -> int:
        """How many songs take part."""
        return len({row.source for row in self.rows})


def fuse(options: FuseOptions, tell: Tell = tell_nobody) -> FuseOutcome:
    """Mix the parts of songs that speak most for a label of whole songs, and write the mix, its table and its picture.

    Args:
        options: the songs, the model, and what the mix is like.
        tell: is given :class:`Progress`, what is not as it was asked for, and what fails.

    Returns:
        What was mixed.

    Raises:
        UsageError: options that cannot be followed, or a model that cannot judge songs.
        DataError: no song that can be used.
    """
    options.check()
    predictor = Predictor.load(options.model or "", options.device)
    label = _label(predictor, options)
    paths = _songs_in(options)
    judged, failures = [], []
    for k, path in enumerate(paths):
        try:
            judged.append(judge(predictor, path, label))
        except MaskRCNNError as error:
            failures.append(str(error))
            tell(InputFailed(path, str(error)))
        tell(Progress("listening", k + 1, len(paths)))
    if not judged:
        raise DataError("None of the songs can be used" + (f"; the first fault: {failures[0]}" if failures else "."))
    parts = order(choose([(own.heard, own.phrases) for own in judged], options.seconds))
    if all(part.phrase.score <= 0 for part in parts):
        name = predictor.class_names[label - 1]
        tell(Note(f"note: nothing in these songs speaks for {name}; the parts are those that speak least against it."))
    by = changes(parts, options.tempo / 100, options.semitones)
    rate, cuts = _cuts(judged, parts, by, options.loudness, tell)
    mix, starts = join(cuts)
    mix, loud, peak = finished(mix, rate, options.loudness)
    rows = tuple(
        Row(judged[part.song].path, part, own, start / rate, loudest)
        for part, own, start, loudest in zip(parts, by, starts, [cut.length / rate for cut in cuts])
    )
    write_mix(options.out, mix, rate, starts, rows)
    steps = tuple(steps_at(mix, rate, starts, cuts))
    outcome = FuseOutcome(options.out, rows, mix.shape[1] / rate, loud, peak, steps, tuple(failures))
    for sentence in _remarks(options, outcome, parts, by, len(judged)):
        tell(Note(f"note: {sentence}"))
    return outcome


def judge(predictor: Predictor, path: Path, label: int) -> Judged:
    """Hear a song, and ask a model which of its bars speak for a label.

    Args:
        predictor: of a model of labels of whole songs.
        path: of the song.
        label: 1..K.

    Returns:
        The song and its parts.

    Raises:
        DataError: no sound, no beats, or shorter than a phrase.
    """
    signal = read_signal(path)
    if signal.kind != SOUND:
        raise DataError(f"{path} is no sound and was left out; songs are WAV, FLAC, OGG or MP3.")
    check_channels(predictor, path, signal)
    heard = listen(signal.samples.numpy(), signal.rate)
    if heard is None:
        raise DataError(f"{path} has no beats that can be heard and was left out.")
    evidence = whole_evidence_of(predictor(signal.samples, (1 / signal.rate,)))
    assert evidence is not None
    said = said_by_bars(evidence, label, heard.downbeats.tolist(), signal.rate)
    total = float(evidence.contributions()[0, label - 1].clamp(min=0).sum())
    phrases = best_phrases(said, total)
    if not phrases:
        raise DataError(f"{path} is shorter than a phrase of four bars and was left out.")
    return Judged(path, heard, tuple(phrases))


def _label(predictor: Predictor, options: FuseOptions) -> int:
    names, info = predictor.class_names, predictor.info
    if info.config.whole_head is None or info.notes.get("kind", SOUND) != SOUND:
        raise UsageError(
            f"{options.model} does not say what whole songs are; train one: maskrcnn train SONGS --labels labels.csv."
        )
    if options.label:
        if options.label not in names:
            raise UsageError(f"{options.model} does not know {options.label}; it knows {', '.join(names)}.")
        return names.index(options.label) + 1
    if len(names) > 1:
        raise UsageError(f"{options.model} knows {', '.join(names)}: --label says which of them parts must speak for.")
    return 1


def _songs_in(options: FuseOptions) -> list[Path]:
    paths: list[Path] = []
    for path in options.inputs:
        paths += signals_in(path) if is_folder(path) else [path]
    paths = [path for path in dict.fromkeys(paths) if resolved(path) != resolved(options.out)]
    if not paths:
        raise DataError(f"{options.inputs[0]} holds no songs.")
    return paths


def _cuts(
    judged: Sequence[Judged], parts: Sequence[Part], by: Sequence[Change], target: float, tell: Tell
) -> tuple[float, list[Cut]]:
    """The parts as they are heard in the mix, at the highest rate of their songs; in stereo where one of them is."""
    read = {song: read_signal(judged[song].path) for song in sorted({part.song for part in parts})}
    rate = max(signal.rate for signal in read.values())
    channels = 2 if any(len(signal.samples) > 1 for signal in read.values()) else 1
    cuts: list[Cut] = []
    for k, (part, own) in enumerate(zip(parts, by)):
        signal = read[part.song]
        first, last = round(part.start * signal.rate), round(part.stop * signal.rate)
        beat = round((part.stop - part.start) / part.beats * signal.rate)
        samples = _channels(signal.samples[:, first : last + beat].numpy(), channels)
        scale = rate / signal.rate
        changed = change(_at_rate(samples, signal.rate, rate), rate, own)
        length = min(round((last - first) * scale / own.factor), changed.shape[1])
        goes = changed.shape[1] - length
        cuts.append(levelled(Cut(changed, length, cuts[-1].goes if cuts else 0, goes), rate, target))
        tell(Progress("mixing", k + 1, len(parts)))
    return rate, cuts


def _channels(samples: Samples, count: int) -> Samples:
    if len(samples) == count:
        return samples
    return np.repeat(samples.mean(0, keepdims=True), count, axis=0)


def _at_rate(samples: Samples, own: float, rate: float) -> Samples:
    if own == rate:
        return samples
    import librosa

    return np.asarray(librosa.resample(samples, orig_sr=own, target_sr=rate, axis=-1), np.float32)


def _remarks(
    options: FuseOptions, outcome: FuseOutcome, parts: Sequence[Part], by: Sequence[Change], songs: int
) -> list[str]:
    told = []
    asked = options.seconds
    if outcome.seconds < 0.95 * asked:
        told.append(f"the parts that speak for it come to {duration(outcome.seconds)}, not {duration(asked)}.")
    if songs == 1:
        told.append("only one song takes part.")
    tempi = [part.tempo * own.factor for part, own in zip(parts, by)]
    usual = float(np.median(tempi))
    off = sum(abs(tempo / usual - 1) > 0.01 for tempo in tempi)
    if off:
        told.append(
            f"{counted(off, 'part')} of another tempo than the rest stay as they are: --tempo allows "
            f"{options.tempo:g} %."
        )
    if outcome.loudness < options.loudness - 0.5:
        told.append(f"peaks allow {outcome.loudness:.1f} LUFS, not {options.loudness:g}.")
    jumps = [step for step in outcome.steps if abs(step) > JUMP]
    if jumps:
        told.append(f"the loudness changes by up to {max(map(abs, jumps)):.1f} dB at {counted(len(jumps), 'cut')}.")
    return told
