"""From parts of songs to one sound: stretched, of one loudness, crossfaded on beats."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from maskrcnn.checks import needed_package
from maskrcnn.songs.arranging import Change

Samples = npt.NDArray[np.float32]
ENDS = 3.0  # seconds at either end of a part whose loudness is brought to the mix's: short-term loudness of EBU R 128
STRONGEST = 12.0  # dB that a part is made louder at most
TRUE_PEAK = -1.0  # dBTP, which EBU R 128 allows
OVERSAMPLED = 4  # times, to see peaks between samples (ITU-R BS.1770-4, annex 2)
SILENCE = -60.0  # LUFS: what is softer is left as it is
SIZE, SHORT, OVERLAPPING = (
    2048,
    256,
    4,
)  # samples of a window of what sounds and of what strikes; windows over each sample


@dataclass(frozen=True)
class Cut:
    """A part as it is heard in the mix.

    Attributes:
        samples: ``[C, T]``: its bars, and behind them what goes on while the next part comes in.
        length: samples up to the downbeat at which the next part begins.
        comes: samples of the crossfade at its beginning.
        goes: those at its end, as many as lie behind ``length``.
    """

    samples: Samples
    length: int
    comes: int
    goes: int


def change(samples: Samples, rate: float, by: Change) -> Samples:
    """Play samples faster or slower, and higher or lower, each without the other.

    What sounds and what strikes are parted by median filters (Fitzgerald 2010) and stretched by librosa's phase vocoder
    (Flanagan and Golden 1966), what strikes in short windows, so that beats stay where they are (Driedger, Müller and
    Ewert 2014); drums keep their pitch. Of two channels middle and side are stretched, so that what is in the middle
    stays there.

    Args:
        samples: ``[C, T]``.
        rate: samples a second.
        by: how; nothing changed, nothing done.

    Returns:
        ``[C, round(T / factor)]``.
    """
    if by.semitones == 0 and abs(by.factor - 1) < 1e-3:
        return samples
    librosa = needed_package("librosa", "stretch songs", "songs")
    pitch, length = 2 ** (by.semitones / 12), round(samples.shape[1] / by.factor)
    own = np.stack([samples.sum(0) / 2, (samples[0] - samples[1]) / 2]) if len(samples) == 2 else samples
    sounding, striking = librosa.effects.hpss(own, n_fft=SIZE, hop_length=SIZE // OVERLAPPING)
    wave = _stretched(sounding, SIZE, by.factor / pitch, round(length * pitch))
    if by.semitones:
        wave = librosa.resample(wave, orig_sr=rate * pitch, target_sr=rate, axis=-1)
    wave = librosa.util.fix_length(wave, size=length, axis=-1) + _stretched(striking, SHORT, by.factor, length)
    return np.asarray(np.stack([wave[0] + wave[1], wave[0] - wave[1]]) if len(samples) == 2 else wave, np.float32)


def _stretched(samples: Samples, size: int, factor: float, length: int) -> Samples:
    if abs(factor - 1) < 1e-6:
        return samples[:, :length]
    librosa = needed_package("librosa", "stretch songs", "songs")
    hop = size // OVERLAPPING
    spectrum = librosa.phase_vocoder(librosa.stft(samples, n_fft=size, hop_length=hop), rate=factor, hop_length=hop)
    return np.asarray(librosa.istft(spectrum, hop_length=hop, n_fft=size, length=length), np.float32)


def loudness(samples: Samples, rate: float) -> float:
    """Integrated loudness in LUFS (ITU-R BS.1770-4, by pyloudnorm); minus infinity of silence.

    Args:
        samples: ``[C, T]`` of one or two channels, 0.4 seconds or longer.
        rate: samples a second.
    """
    pyloudnorm = needed_package("pyloudnorm", "measure loudness", "songs")
    with np.errstate(divide="ignore"):
        return float(pyloudnorm.Meter(rate).integrated_loudness(samples.T.astype(np.float64)))


def levelled(cut: Cut, rate: float, target: float) -> Cut:
    """A part of the loudness of the mix: as a whole, and by a gain that changes slowly in its first and last seconds
    too, so that no cut is a step in loudness.

    Args:
        cut: the part.
        rate: samples a second.
        target: LUFS.

    Returns:
        The part with its gain.
    """
    first, last, edge = cut.comes, cut.length, round(ENDS * rate)  # between first and last it is heard alone
    low, high = min(first + edge, last), max(last - edge, first)
    levels = [loudness(cut.samples[:, a:b], rate) for a, b in ((first, low), (0, last), (high, last))]
    gains = [min(target - own, STRONGEST) if own > SILENCE else 0.0 for own in levels]
    middle = (first + last) / 2
    curve = np.interp(np.arange(cut.samples.shape[1]), [min(low, middle), middle, max(high, middle)], gains)
    return replace(cut, samples=(cut.samples * 10 ** (curve / 20)).astype(np.float32))


def join(cuts: Sequence[Cut]) -> tuple[Samples, list[int]]:
    """Lay parts one behind the other: each begins on the downbeat at which the bars of the one before end, and while it
    comes in that one goes, at equal power.

    Args:
        cuts: in their order, with as many channels each.

    Returns:
        The mix ``[C, T]``, and the sample at which each part begins.
    """
    starts = np.concatenate([[0], np.cumsum([cut.length for cut in cuts])]).astype(int)
    mix = np.zeros((len(cuts[0].samples), int(starts[-1]) + cuts[-1].goes), dtype=np.float32)
    for start, cut in zip(starts, cuts):
        own = cut.samples[:, : cut.length + cut.goes].copy()
        own[:, : cut.comes] *= np.sin(_quarter(cut.comes))
        own[:, cut.length :] *= np.cos(_quarter(cut.goes))
        mix[:, start : start + own.shape[1]] += own
    return mix, [int(start) for start in starts[:-1]]


def _quarter(count: int) -> npt.NDArray[np.float32]:
    """From 0 to a quarter of a turn."""
    return (np.pi / 2 * (np.arange(count, dtype=np.float32) + 0.5) / max(count, 1)).astype(np.float32)


def true_peak(samples: Samples) -> float:
    """The highest level between samples too, in dBTP."""
    signal = needed_package("scipy.signal", "measure peaks", "songs", "scipy")
    highest = max(float(np.abs(signal.resample_poly(own, OVERSAMPLED, 1)).max(initial=0)) for own in samples)
    return float(20 * np.log10(max(highest, 1e-9)))


def finished(mix: Samples, rate: float, target: float) -> tuple[Samples, float, float]:
    """The mix at the loudness that is asked for, or as loud as its peaks allow; all of it is turned by one gain.

    Args:
        mix: ``[C, T]``.
        rate: samples a second.
        target: LUFS.

    Returns:
        The mix, its loudness in LUFS, and its true peak in dBTP.
    """
    own, peak = loudness(mix, rate), true_peak(mix)
    gain = min(target - own, TRUE_PEAK - peak) if own > SILENCE else 0.0
    return (mix * 10 ** (gain / 20)).astype(np.float32), own + gain, peak + gain


def steps_at(mix: Samples, rate: float, starts: Sequence[int], cuts: Sequence[Cut]) -> list[float]:
    """How many dB louder the three seconds behind each crossfade are than the three before it.

    Args:
        mix: ``[C, T]``.
        rate: samples a second.
        starts: the sample at which each part begins.
        cuts: the parts.

    Returns:
        A number for each part but the first.
    """
    edge, found = round(ENDS * rate), []
    for start, cut in zip(starts[1:], cuts[1:]):
        behind = start + cut.comes
        found.append(
            loudness(mix[:, behind : behind + edge], rate) - loudness(mix[:, max(start - edge, 0) : start], rate)
        )
    return found
