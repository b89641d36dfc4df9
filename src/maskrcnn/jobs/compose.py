"""Composes labelled recordings of clips of one spoken word each: where each word begins and ends is known exactly."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from maskrcnn.checks import CLIPS, existing_folder, new_folder
from maskrcnn.data.transforms.resample import resample
from maskrcnn.errors import DataError, UsageError
from maskrcnn.files import atomic_write
from maskrcnn.jobs.events import Progress, Tell, tell_nobody
from maskrcnn.jobs.options.compose import ComposeOptions
from maskrcnn.modalities.signals.find import signals_in
from maskrcnn.modalities.signals.read import read_signal
from maskrcnn.modalities.signals.signal import extra

CLIP = re.compile(r"(?P<label>[^_]+)_(?P<speaker>.+)_(?P<take>[^_]+)")
WORDS = dict(zip("0123456789", ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"]))

FEWEST, MOST = 3, 10  # clips in a recording, each number as likely
LONGEST_GAP = 0.6  # seconds between two clips, and before the first and after the last; each length as likely
OVERLAPS = 0.15  # of the clips begin before the one before has ended,
SHARED = (0.1, 0.4)  # by this part of the shorter of the two
GAIN = 6.0  # dB up or down from one loudness, the same for all clips
LOUDNESS = 0.08  # root mean square of a clip before its gain
SNR = (10.0, 40.0)  # dB of the clips' mean power over the noise, which is white or pink
PEAK = 0.95  # a recording louder than this is turned down

# A clip is trimmed to its frames (seconds) that are at most this quiet (dB below the loudest; the hiss at the ends of a
# six lies 31 dB below its vowel), and a rim before and after.
FRAME, QUIET, RIM = 0.01, 40.0, 0.01
FADE = 0.003  # seconds in which a trimmed clip comes and goes


@dataclass(frozen=True)
class Clip:
    """One word of one speaker."""

    path: Path
    name: str
    speaker: str


@dataclass(frozen=True)
class Composed:
    """A recording and what is said in it when.

    Attributes:
        wave: float32 ``[T]``, -1..1.
        labels: first sample, sample behind the last, class; in the order of their beginnings.
    """

    wave: np.ndarray
    labels: list[tuple[int, int, str]]


@dataclass
class Composition:
    """What was made: recordings, labelled intervals and seconds in all; the speakers; a sentence for each bad clip."""

    recordings: int
    intervals: int
    seconds: float
    speakers: list[str]
    failures: list[str]


def find_clips(folder: Path, speakers: Sequence[str] = ()) -> list[Clip]:
    """The clips ``LABEL_SPEAKER_TAKE.wav`` (or another sound) in ``folder``; a label of one digit is named by its word.

    Args:
        folder: of clips; other files in it are passed over.
        speakers: to take; none: all.

    Raises:
        DataError: no such clips.
        UsageError: a speaker of whom there are none.
    """
    existing_folder(folder, CLIPS)
    matches = [(path, CLIP.fullmatch(path.stem)) for path in signals_in(folder)]
    clips = [Clip(path, WORDS.get(m["label"], m["label"]), m["speaker"]) for path, m in matches if m]
    if not clips:
        raise DataError(f"{folder} has no clips named LABEL_SPEAKER_TAKE.wav, such as 7_jackson_12.wav.")
    known = sorted({clip.speaker for clip in clips})
    strangers = [speaker for speaker in speakers if speaker not in known]
    if strangers:
        raise UsageError(f"{folder} has no clips of {', '.join(strangers)}; it has those of {', '.join(known)}.")
    return [clip for clip in clips if not speakers or clip.speaker in speakers]


def compose(options: ComposeOptions, tell: Tell = tell_nobody) -> Composition:
    """Compose recordings of clips of one spoken word each, and label the words in them.

    Args:
        options: the clips, whose to take, and how many recordings to make.
        tell: is given :class:`Progress` after each recording.

    Returns:
        How much was made, and a sentence for each clip that cannot be used.

    Raises:
        UsageError: the folder holds something already, or a speaker of whom there are no clips.
        DataError: no clips, or none of a speaker that can be read.
    """
    options.check()
    clips = find_clips(options.folder, options.speakers)
    return compose_recordings(clips, options.out, options.how_many(), options.seed, tell)


def compose_recordings(
    clips: Sequence[Clip], out: Path, count: int, seed: int = 0, tell: Tell = tell_nobody
) -> Composition:
    """Write ``count`` recordings ``SPEAKER_NUMBER.wav`` with their Audacity label tracks into ``out``.

    Speakers take turns, one a recording. Recording k follows from ``seed`` and k alone.

    Args:
        clips: of one word each.
        out: an empty folder, or one that is not there yet.
        count: how many recordings to make.
        seed: the same one makes the same recordings.
        tell: is given :class:`Progress` after each recording.

    Returns:
        How much was made, and a sentence for each clip that cannot be used.

    Raises:
        UsageError: ``out`` holds something already.
        DataError: no clip of a speaker can be read.
    """
    new_folder(out, "the recordings")
    speakers = sorted({clip.speaker for clip in clips})
    made = Composition(0, 0, 0.0, speakers, [])
    rate = 0.0
    waves: dict[str, list[tuple[str, np.ndarray]]] = {speaker: [] for speaker in speakers}
    for clip in clips:
        try:
            signal = read_signal(clip.path)
            rate = rate or signal.rate
            waves[clip.speaker].append((clip.name, prepare_clip(signal.samples, signal.rate, rate)))
        except DataError as error:
            made.failures.append(str(error))
    mute = [speaker for speaker in speakers if not waves[speaker]]
    if mute:
        raise DataError(f"None of the clips of {mute[0]} can be used; the first fault: {made.failures[0]}")
    _write_classes(out / "classes.txt", {clip.name for clip in clips})
    for index in range(count):
        speaker = speakers[index % len(speakers)]
        recording = compose_one(waves[speaker], rate, np.random.default_rng([seed, index]))
        write_recording(out / f"{speaker}_{index:04d}.wav", recording, rate)
        made.recordings += 1
        made.intervals += len(recording.labels)
        made.seconds += len(recording.wave) / rate
        tell(Progress("composing", index + 1, count))
    return made


def prepare_clip(samples: torch.Tensor, rate: float, new_rate: float) -> np.ndarray:
    """Prepare a clip for composing: one channel, trimmed of silence, of one loudness.

    Args:
        samples: ``[C, T]``.
        rate: its samples a second.
        new_rate: those of the recording.

    Returns:
        float32 ``[T]``.

    Raises:
        DataError: for silence.
    """
    wave = resample(samples.mean(0, keepdim=True), rate, new_rate)[0].numpy()
    wave = trim_silence(wave, new_rate)
    fade = min(len(wave) // 2, max(1, round(FADE * new_rate)))
    ramp = np.linspace(0, 1, fade, dtype=np.float32)
    wave[:fade] *= ramp
    wave[len(wave) - fade :] *= ramp[::-1]
    level: np.ndarray = (wave * (LOUDNESS / np.sqrt(np.mean(wave**2)))).astype(np.float32)
    return level


def trim_silence(wave: np.ndarray, rate: float) -> np.ndarray:
    """A copy of what lies between the first and the last frame that is not quiet, and a rim, so that labels are tight.

    Raises:
        DataError: for silence.
    """
    frame, rim = max(1, round(FRAME * rate)), round(RIM * rate)
    power = np.add.reduceat(wave.astype(np.float64) ** 2, np.arange(0, len(wave), frame))
    if not power.max() > 0:
        raise DataError("A clip is silent; leave it out.")
    loud = np.flatnonzero(power >= power.max() * 10 ** (-QUIET / 10))
    return wave[max(0, loud[0] * frame - rim) : (loud[-1] + 1) * frame + rim].copy()


def compose_one(clips: Sequence[tuple[str, np.ndarray]], rate: float, random: np.random.Generator) -> Composed:
    """One recording of clips prepared by :func:`prepare_clip`; its distribution is what the constants above say.

    Args:
        clips: the name of each word and its wave, float32 ``[T]``.
        rate: samples a second.
        random: what is drawn comes from.

    Returns:
        The recording, and when each word is said.
    """
    names = sorted({name for name, _ in clips})
    chosen = []
    for _ in range(random.integers(FEWEST, MOST + 1)):
        name = names[random.integers(len(names))]  # each class as likely, however many clips it has
        own = [wave for other, wave in clips if other == name]
        chosen.append((name, own[random.integers(len(own))]))
    at = round(random.uniform(0, LONGEST_GAP) * rate)
    placed: list[tuple[int, str, np.ndarray]] = []
    for k, (name, wave) in enumerate(chosen):
        if k and random.random() < OVERLAPS:
            at -= round(random.uniform(*SHARED) * min(len(wave), len(chosen[k - 1][1])))
        elif k:
            at += round(random.uniform(0, LONGEST_GAP) * rate)
        placed.append((at, name, wave * 10 ** (random.uniform(-GAIN, GAIN) / 20)))
        at += len(wave)
    length = max(start + len(wave) for start, _, wave in placed) + round(random.uniform(0, LONGEST_GAP) * rate)
    speech = np.zeros(length)
    for start, _, wave in placed:
        speech[start : start + len(wave)] += wave
    power = sum(float(np.sum(wave.astype(np.float64) ** 2)) for *_, wave in placed) / sum(len(w) for *_, w in placed)
    noise = pink(length, random) if random.random() < 0.5 else random.standard_normal(length)
    noise *= np.sqrt(power * 10 ** (-random.uniform(*SNR) / 10) / max(np.mean(noise**2), 1e-12))
    mixed = speech + noise
    mixed *= min(1.0, PEAK / np.abs(mixed).max())
    return Composed(mixed.astype(np.float32), sorted((start, start + len(wave), name) for start, name, wave in placed))


def pink(length: int, random: np.random.Generator) -> np.ndarray:
    """Noise whose power falls as 1 / frequency, ``[length]``."""
    spectrum = np.fft.rfft(random.standard_normal(length))
    return np.fft.irfft(spectrum / np.sqrt(np.maximum(1, np.arange(len(spectrum)))), n=length)


def _write_classes(path: Path, names: set[str]) -> None:
    """One a line, numbers first and in their order."""
    rank = {word: k for k, word in enumerate(WORDS.values())}
    with atomic_write(path) as temporary:
        lines = sorted(names, key=lambda name: (rank.get(name, len(rank)), name))
        temporary.write_text("".join(f"{name}\n" for name in lines), encoding="utf-8")


def write_recording(path: Path, recording: Composed, rate: float) -> None:
    """Write a recording as 16-bit WAV, and its label track beside it.

    The track has a line ``start<tab>end<tab>class`` in seconds for each word.

    Args:
        path: of the WAV file.
        recording: the wave and when each word is said.
        rate: samples a second.
    """
    soundfile = extra("soundfile", "sound")
    with atomic_write(path) as temporary:
        soundfile.write(str(temporary), recording.wave, round(rate), subtype="PCM_16")
    with atomic_write(path.with_suffix(".txt")) as temporary:
        lines = (f"{start / rate:.6f}\t{end / rate:.6f}\t{name}\n" for start, end, name in recording.labels)
        temporary.write_text("".join(lines), encoding="utf-8")
