"""Mixing: loudness against a slow BS.1770, stretching against the pitch and the beats of tones, cuts without steps."""

from __future__ import annotations

import numpy as np
import pytest

from maskrcnn.songs.arranging import Change
from maskrcnn.songs.mixing import Cut, change, finished, join, levelled, loudness, steps_at, true_peak

RATE = 22050


def tone(seconds, pitch=440.0, amplitude=0.2):
    t = np.arange(round(seconds * RATE)) / RATE
    return (amplitude * np.sin(2 * np.pi * pitch * t)).astype(np.float32)


def test_loudness_is_that_of_the_standard():
    # ITU-R BS.1770-4: a full-scale sine of 997 Hz in one channel has -3.01 LUFS, in both 0 LUFS.
    t = np.arange(48000 * 5) / 48000
    full = np.sin(2 * np.pi * 997 * t).astype(np.float32)
    assert loudness(full[None], 48000) == pytest.approx(-3.01, abs=0.05)
    assert loudness(np.stack([full, full]), 48000) == pytest.approx(0, abs=0.05)
    assert loudness(np.zeros((1, 48000), np.float32), 48000) == -np.inf


def test_stretching_changes_length_or_pitch_and_not_the_other():
    stereo = np.stack([tone(4), tone(4, amplitude=0.1)])
    for factor, semitones in ((1.06, 0), (0.94, 0), (1.0, 2), (1.05, -1)):
        made = change(stereo, RATE, Change(factor, semitones))
        assert made.shape == (2, round(stereo.shape[1] / factor))
        middle = made[0, RATE // 2 : RATE // 2 + 2 * RATE]
        pitch = np.abs(np.fft.rfft(middle * np.hanning(len(middle)))).argmax() / 2
        assert pitch == pytest.approx(440 * 2 ** (semitones / 12), abs=1.5)
        assert np.abs(made[0]).mean() / np.abs(made[1]).mean() == pytest.approx(2, rel=0.05)
    assert change(stereo, RATE, Change()) is stereo


def test_clicks_stay_on_their_beats_when_they_are_stretched():
    clicks = np.zeros((1, 8 * RATE), np.float32)
    clicks[:, RATE // 2 :: RATE // 2] = 0.9
    made = np.abs(change(clicks, RATE, Change(1.07, 0))[0])
    for k in range(2, 14):
        at = round(k * RATE / 2 / 1.07)
        near = made[at - 3000 : at + 3000]
        assert abs(int(near.argmax()) - 3000) < 0.03 * RATE


def test_there_is_no_step_in_loudness_at_cuts_and_levels_stay_while_parts_cross():
    random = np.random.default_rng(0)
    cuts, beat = [], RATE // 2
    for k, gain in enumerate((0.06, 0.2, 0.1)):
        samples = random.standard_normal((2, 10 * RATE + beat)).astype(np.float32)
        samples *= gain * np.linspace(0.8, 1.25, samples.shape[1], dtype=np.float32)  # it grows louder
        cuts.append(levelled(Cut(samples, 10 * RATE, beat if k else 0, beat), RATE, -20.0))
    mix, starts = join(cuts)
    assert starts == [0, 10 * RATE, 20 * RATE] and mix.shape == (2, 30 * RATE + beat)
    assert all(abs(step) < 0.2 for step in steps_at(mix, RATE, starts, cuts))
    power = lambda a: float((mix[:, a : a + beat] ** 2).mean())  # noqa: E731
    assert 10 * np.log10(power(10 * RATE) / power(9 * RATE)) == pytest.approx(0, abs=0.5)
    done, loud, peak = finished(mix, RATE, -20.0)
    assert loud == pytest.approx(loudness(done, RATE), abs=0.01) and peak == pytest.approx(true_peak(done), abs=0.05)
    assert peak <= -1 + 1e-6 and finished(mix, RATE, -3.0)[2] == pytest.approx(-1, abs=1e-6)


def test_peaks_between_samples_are_seen():
    t = np.arange(RATE)
    wave = np.sin(np.pi / 2 * t + np.pi / 4).astype(np.float32)[None]  # samples at 0.707, peaks at 1
    assert np.abs(wave).max() == pytest.approx(0.7071, abs=1e-3) and true_peak(wave) == pytest.approx(0, abs=0.3)
