"""Synthetic songs: the same seed makes the same, levels are sound, and what is said to be there is heard."""

from __future__ import annotations

import csv
import json

import numpy as np
import pytest
import soundfile

from maskrcnn.songs.composed.score import BEATS, MOTIF, write_score
from maskrcnn.songs.composed.song import PEAK, RATE, compose_song


@pytest.mark.parametrize("seed", range(20))
def test_a_score_says_what_appeals(seed):
    score = write_score(np.random.default_rng(seed), bool(seed % 2))
    best = [section for section in score.sections if section.appeals]
    assert len(best) in ((1, 2) if seed % 2 else (0,))
    bells = sorted(beat for instrument, beat, *_ in score.notes if instrument == "bell")
    heard = [(own.first + bar) * BEATS + k / 2 for own in best for bar in range(own.bars) for k in range(len(MOTIF))]
    assert bells == sorted(heard)
    assert [own.first for own in score.sections] == np.cumsum([0, *(own.bars for own in score.sections[:-1])]).tolist()


def test_a_song_is_not_clipped_and_onsets_lie_on_its_beats():
    song = compose_song(np.random.default_rng(3), True)
    again = compose_song(np.random.default_rng(3), True)
    assert np.array_equal(song.wave, again.wave)
    assert 60 <= song.wave.shape[1] / RATE <= 180 and 0.2 < np.abs(song.wave).max() <= PEAK + 1e-6
    power = (song.wave.astype(np.float64) ** 2).mean(0)
    rise = []
    for at in song.beats()[: 8 * BEATS]:
        k = round(at * RATE)
        rise.append(power[k : k + 1000].mean() / power[max(k - 1000, 0) : k].mean())
    assert np.median(rise) > 2  # something sets in on most beats


def test_the_command_writes_songs_labels_and_what_is_known(maskrcnn, refused, tmp_path):
    outcome = maskrcnn("compose", "songs", tmp_path / "a", "--count", 2, "--seed", 5)
    assert outcome.code == 0 and "2 synthetic songs" in outcome.out
    truth = json.loads((tmp_path / "a" / "songs.json").read_text())
    assert truth["made"].startswith("Synthetic")
    rows = dict(list(csv.reader((tmp_path / "a" / "labels.csv").open()))[1:])
    assert {name: str(int(own["appeal"])) for name, own in truth["songs"].items()} == rows
    for name, own in truth["songs"].items():
        with soundfile.SoundFile(tmp_path / "a" / name) as file:
            assert file.comment.startswith("Synthetic") and file.channels == 2
            assert abs(file.frames / file.samplerate - own["seconds"]) < 1e-3
        assert any(section["appeals"] for section in own["sections"]) == own["appeal"]
        assert own["beats"][::4] == own["downbeats"] and own["sections"][-1]["to"] == own["beats"][-1]
    assert "holds something already" in refused("compose", "songs", tmp_path / "a")
