"""``maskrcnn fuse`` as a user types it, on synthetic songs that a made-up model judges rightly."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import soundfile
import torch
from PIL import Image

from maskrcnn.errors import DataError
from maskrcnn.jobs.songs import fuse as job
from maskrcnn.modalities.signals.read import read_signal
from maskrcnn.models.whole.evidence import WholeEvidence
from maskrcnn.songs.listening import listen

CELL = 220.5  # samples of a place


class Knowing:
    """Says of each song what its sections are."""

    class_names = ("appeal",)
    info = SimpleNamespace(config=SimpleNamespace(whole_head=object()), notes={"kind": "audio"})

    def __init__(self, truths):
        self.truths, self.current = truths, {}

    def __call__(self, samples, spacing):
        places = -(-samples.shape[1] // int(CELL))
        at = (np.arange(places) + 0.5) * CELL * spacing[0]
        scores = np.full(places, -0.5, dtype=np.float32)
        for section in self.current["sections"]:
            scores[(at >= section["from"]) & (at < section["to"])] = 3.0 if section["appeals"] else -0.5
        scores = torch.from_numpy(scores)[None, None]
        return WholeEvidence(scores, torch.zeros_like(scores), (CELL,), (samples.shape[1],), "labels")


@pytest.fixture(scope="module")
def composed(tmp_path_factory):
    from maskrcnn.jobs.songs.compose import compose_songs
    from maskrcnn.jobs.songs.options import ComposeSongsOptions

    folder = tmp_path_factory.mktemp("songs") / "out"
    compose_songs(ComposeSongsOptions(folder, 4, 11))
    return folder, json.loads((folder / "songs.json").read_text())["songs"]


@pytest.fixture
def judge(monkeypatch, composed, tmp_path):
    knowing = Knowing(composed[1])

    def remember(predictor, path, signal):
        knowing.current = composed[1].get(f"songs/{Path(path).stem}.wav", {"sections": []})

    monkeypatch.setattr(job, "check_channels", remember)
    monkeypatch.setattr(job, "whole_evidence_of", lambda found: found)
    monkeypatch.setattr(job, "Predictor", SimpleNamespace(load=lambda *_: knowing))
    model = tmp_path / "model.safetensors"
    model.write_bytes(b"judged by the truth")
    return model


def nearest(times, at):
    return float(np.abs(np.array(times) - at).min())


def test_the_best_parts_are_cut_on_beats_and_nothing_jumps(maskrcnn, composed, judge, tmp_path):
    folder, truths = composed
    (tmp_path / "in").mkdir()
    for k, name in enumerate(truths):
        samples, rate = soundfile.read(folder / name)
        if k == 0:  # another rate, and one channel
            samples, rate = np.repeat(samples.mean(1), 2), 2 * rate
        soundfile.write(tmp_path / "in" / Path(name).name, samples, rate)
    (tmp_path / "in" / "broken.wav").write_bytes(b"RIFF no sound")
    soundfile.write(tmp_path / "in" / "short.wav", np.random.default_rng(0).normal(size=3000) * 0.1, 22050)
    out = tmp_path / "mix.wav"
    outcome = maskrcnn("fuse", tmp_path / "in", "--model", judge, "--length", "60s", "--out", out)
    assert outcome.code == 1 and "broken.wav" in outcome.err and "short.wav" in outcome.err
    assert "dB at" not in outcome.err and "LUFS" in outcome.out
    rows = list(csv.DictReader(out.with_suffix(".csv").open()))
    mix, rate = soundfile.read(out, always_2d=True)
    assert mix.shape[1] == 2 and np.abs(mix).max() < 10 ** (-1 / 20) + 1e-3
    ends = [float(row["at"]) + float(row["seconds"]) for row in rows]
    assert [float(row["at"]) for row in rows[1:]] == pytest.approx(ends[:-1], abs=2e-3)
    assert len(mix) / rate == pytest.approx(ends[-1], abs=1.5)
    for row in rows:
        own = truths[f"songs/{Path(row['source']).name}"]
        start, stop = float(row["from"]), float(row["to"])
        assert nearest(own["beats"], start) < 0.03 and nearest(own["beats"], stop) < 0.03
        best = [(s["from"], s["to"]) for s in own["sections"] if s["appeals"]]
        inside = sum(max(min(stop, b) - max(start, a), 0) for a, b in best)
        assert inside >= 0.8 * (stop - start) and float(row["score"]) > 0
        assert abs(float(row["tempo_factor"]) - 1) <= 0.08 and abs(int(row["semitones"])) <= 2
    picture = np.asarray(Image.open(out.with_suffix(".png")).convert("RGB")).reshape(-1, 3)
    assert len({Path(row["source"]) for row in rows}) == 2
    assert len([c for c in np.unique(picture, axis=0, return_counts=True)[1] if c > 500]) >= 3  # paper and two songs


def test_beats_bars_tempo_and_key_are_heard(composed):
    folder, truths = composed
    for name, own in truths.items():
        signal = read_signal(folder / name)
        heard = listen(signal.samples.numpy(), signal.rate)
        inside = [beat for beat in heard.beats if own["beats"][0] - 0.05 < beat < own["beats"][-1] + 0.05]
        assert np.mean([nearest(own["beats"], beat) < 0.03 for beat in inside]) > 0.95
        assert np.mean([min(abs(inside - np.array(beat))) < 0.03 for beat in own["beats"][:-1]]) > 0.9
        downs = [beat for beat in heard.downbeats if own["beats"][0] - 0.05 < beat < own["beats"][-1]]
        assert np.mean([nearest(own["downbeats"], beat) < 0.03 for beat in downs]) > 0.95
        assert heard.tempo == pytest.approx(own["tempo"], rel=0.01)


def test_silence_has_no_beats_and_one_that_is_shorter_than_a_phrase_is_named(judge, composed, tmp_path):
    assert listen(np.zeros((2, 60000), np.float32), 22050) is None
    folder, truths = composed
    name = next(iter(truths))
    samples, rate = soundfile.read(folder / name)
    short = tmp_path / Path(name).name
    soundfile.write(short, samples[: 6 * rate], rate)
    with pytest.raises(DataError, match="shorter than a phrase|no beats"):
        job.judge(job.Predictor.load(), short, 1)
