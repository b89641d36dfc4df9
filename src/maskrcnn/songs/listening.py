"""What is heard of a song: its beats, where bars begin, its tempo and its key."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from maskrcnn.checks import needed_package
from maskrcnn.songs.composed.score import NAMES

Floats = npt.NDArray[np.float64]
BEATS = 4  # of a bar: songs in 3/4 are cut on beats, but not on their bars
HOP, FINE = 512, 64  # samples from one value to the next: of what beats are found in, and of what they are moved to
TOGETHER, REACH = 0.12, 0.03  # seconds by which all beats are moved together at most, and then each
SOFT = 1e-2  # of the loudest power: what is softer hardly counts as a rise
AROUND = 8  # beats on either side through which a line is laid
FEWEST = 8  # beats: fewer are no song
# How well each note of the scale fits a key (Krumhansl and Kessler 1982), from the tonic upwards.
MAJOR_PROFILE = (6.35, 2.23, 3.48, 2.33, 4.38, 4.09, 2.52, 5.19, 2.39, 3.66, 2.29, 2.88)
MINOR_PROFILE = (6.33, 2.68, 3.52, 5.38, 2.60, 3.53, 2.54, 4.75, 3.98, 2.69, 3.34, 3.17)


@dataclass(frozen=True)
class Heard:
    """What is heard of a song.

    Attributes:
        beats: seconds of each, in order.
        first: which of the first four begins a bar.
        tempo: beats a minute, the median.
        tonic: 0..11 from C.
        minor: the mode.
    """

    beats: Floats
    first: int
    tempo: float
    tonic: int
    minor: bool

    @property
    def downbeats(self) -> Floats:
        """Seconds at which bars begin."""
        return self.beats[self.first :: BEATS]

    @property
    def key(self) -> str:
        return f"{NAMES[self.tonic]} {'minor' if self.minor else 'major'}"

    @property
    def fifths(self) -> int:
        """The key's place on the circle of fifths, 0..11; a minor key lies where its relative major does."""
        return (self.tonic + 3 * self.minor) * 7 % 12


def listen(samples: npt.NDArray[np.float32], rate: float) -> Heard | None:
    """Find the beats, the bars and the key of a song.

    Beats are those of librosa (dynamic programming, Ellis 2007), all moved to where the loudness rises most, each to
    where it does near it, and then onto a line through its neighbours, because a cut that is 30 ms off is heard. Bars
    begin at that beat of four at which the chord changes and the bass sets in most. The key is the one whose profile is
    most like the song's notes (Krumhansl and Kessler 1982).

    Args:
        samples: ``[C, T]``.
        rate: samples a second.

    Returns:
        What is heard; None where there are no beats.

    Raises:
        UsageError: librosa is not installed.
    """
    librosa = needed_package("librosa", "find beats", "songs")
    wave = samples.mean(0).astype(np.float32)
    if len(wave) < 4 * HOP or not np.abs(wave).max() > 0:
        return None
    _, found = librosa.beat.beat_track(y=wave, sr=rate, hop_length=HOP, units="time", trim=False)
    if len(found) < FEWEST:
        return None
    beats = _aligned(np.asarray(found, dtype=np.float64), _rises(wave), rate / FINE)
    chroma = librosa.feature.chroma_stft(y=wave, sr=rate, hop_length=HOP, tuning=0.0)
    tonic, minor = _key(chroma.sum(1))
    tempo = 60 / float(np.median(np.diff(beats)))
    return Heard(beats, _first_of_bar(beats, chroma, wave, rate), tempo, tonic, minor)


def _rises(wave: npt.NDArray[np.float32]) -> Floats:
    """How much louder the wave becomes at each ``FINE`` samples, on a logarithmic scale."""
    count = len(wave) // FINE
    power = (wave[: count * FINE].reshape(count, FINE).astype(np.float64) ** 2).mean(1)
    smooth = np.convolve(power, np.hanning(9) / np.hanning(9).sum(), "same")
    level = np.log(smooth + SOFT * float(smooth.max()) + 1e-12)
    return np.maximum(np.diff(level, prepend=level[:1]), 0)


def _aligned(beats: Floats, rises: Floats, a_second: float) -> Floats:
    """Move all beats together to the strongest rises, each to the one near it, and then onto a line through its
    neighbours."""
    shifts = np.arange(-TOGETHER, TOGETHER, 1 / a_second)
    wide = np.convolve(rises, np.hanning(2 * max(int(0.01 * a_second), 1) + 1), "same")
    places = np.arange(len(wide)) / a_second
    heights = [float(np.interp(beats + shift, places, wide).sum()) for shift in shifts]
    beats = beats + shifts[int(np.argmax(heights))]
    reach = max(int(REACH * a_second), 1)
    weight = np.hanning(2 * reach + 3)[1:-1]  # the nearer, the better
    moved, sure = beats.copy(), np.zeros(len(beats))
    for k, beat in enumerate(beats):
        middle = round(beat * a_second)
        low, high = middle - reach, middle + reach + 1
        if low < 0 or high > len(rises):
            continue
        own = rises[low:high] * weight
        moved[k], sure[k] = (low + int(own.argmax())) / a_second, own.max()
    lined = moved.copy()
    for k in range(len(beats)):
        near = np.arange(max(0, k - AROUND), min(len(beats), k + AROUND + 1))
        if sure[near].sum() <= 0:
            continue
        weights = sure[near].copy()
        for _ in range(4):  # beats that lie off the line count less
            slope, start = np.polyfit(near, moved[near], 1, w=weights + 1e-9)
            off = np.abs(moved[near] - slope * near - start)
            weights = sure[near] / (1 + (off / 0.01) ** 2)
        lined[k] = slope * k + start
    return np.maximum.accumulate(np.maximum(lined, 0))


def _key(chroma: Floats) -> tuple[int, bool]:
    """Tonic and whether it is minor, of the loudness of the twelve notes."""
    fits = {
        (tonic, minor): float(np.corrcoef(np.roll(profile, tonic), chroma)[0, 1])
        for minor, profile in ((False, MAJOR_PROFILE), (True, MINOR_PROFILE))
        for tonic in range(12)
    }
    return max(fits, key=lambda key: fits[key])


def _first_of_bar(beats: Floats, chroma: Floats, wave: npt.NDArray[np.float32], rate: float) -> int:
    """Which of the first four beats begins a bar: where notes change most, and it is loudest just behind the beat."""
    frames = np.clip((beats * rate / HOP).round().astype(int), 0, chroma.shape[1] - 1)
    own = np.stack([chroma[:, a : max(b, a + 1)].mean(1) for a, b in zip(frames[:-1], frames[1:])])
    own /= np.maximum(np.linalg.norm(own, axis=1, keepdims=True), 1e-9)
    change = np.concatenate([[0.0], 1 - (own[1:] * own[:-1]).sum(1)])
    ends = [(round(beat * rate), round((beat + 0.12) * rate)) for beat in beats[:-1]]
    low = np.array([_low_power(wave[a:b], rate) for a, b in ends])
    both = _to_unit(change) + _to_unit(np.log(low + 1e-6 * max(float(low.max()), 1e-12)))
    return int(np.argmax([both[phase::BEATS].mean() for phase in range(BEATS)]))


def _low_power(wave: npt.NDArray[np.float32], rate: float) -> float:
    if not len(wave):
        return 0.0
    spectrum = np.abs(np.fft.rfft(wave * np.hanning(len(wave)))) ** 2
    return float(spectrum[np.fft.rfftfreq(len(wave), 1 / rate) < 180].sum())


def _to_unit(values: Floats) -> Floats:
    return np.asarray((values - values.mean()) / max(float(values.std()), 1e-9))
