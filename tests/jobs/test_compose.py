from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
import torch

from maskrcnn.errors import DataError, UsageError
from maskrcnn.jobs.compose import (
    FEWEST,
    MOST,
    PEAK,
    compose_one,
    compose_recordings,
    find_clips,
    prepare_clip,
    trim_silence,
)
from maskrcnn.jobs.convert import convert_dataset
from maskrcnn.modalities.open import open_dataset

soundfile = pytest.importorskip("soundfile")
RATE = 8000


@pytest.fixture
def clips(tmp_path):
    """Tones with silence about them, by two speakers: labels 0, 7 and hello, two takes each."""
    folder = tmp_path / "clips"
    folder.mkdir()
    for speaker, pitch in (("ann", 200), ("bob", 150)):
        for k, label in enumerate(("0", "7", "hello")):
            for take in range(2):
                tone = np.sin(2 * np.pi * pitch * (k + 1) * np.arange(2000 + 500 * take) / RATE) * 0.1 * (k + 1)
                wave = np.concatenate([np.zeros(800), tone, np.zeros(400)])
                soundfile.write(str(folder / f"{label}_{speaker}_{take}.wav"), wave, RATE)
    soundfile.write(str(folder / "other.wav"), np.zeros(10), RATE)
    return folder


def test_recordings_are_a_data_set(clips, tmp_path):
    made = compose_recordings(find_clips(clips), tmp_path / "out", 6, seed=1)
    data = open_dataset(tmp_path / "out")
    assert data.class_names == ("zero", "seven", "hello") and data.problems == []
    names = ["ann_0000", "ann_0002", "ann_0004", "bob_0001", "bob_0003", "bob_0005"]
    assert [r.image_id for r in data] == names
    assert made.recordings == 6 and made.intervals == sum(len(r) for r in data) and made.speakers == ["ann", "bob"]
    for record in data:
        assert FEWEST <= len(record) <= MOST
        wave = data.read_image(record)
        assert wave.shape[0] == 1 and 0.01 < wave.abs().max() <= PEAK + 1e-3
        loud = wave[0].abs() > 0.3 * wave.abs().max()
        covered = torch.from_numpy(sum(record.regions.mask(i) for i in range(len(record))) > 0)
        assert (loud & ~covered).sum() < 0.01 * loud.sum()


def test_the_same_seed_makes_the_same_recordings(clips, tmp_path):
    for name, seed, count in (("a", 3, 4), ("b", 3, 2), ("c", 4, 2)):
        compose_recordings(find_clips(clips), tmp_path / name, count, seed)
    same = [(tmp_path / name / "ann_0000.wav").read_bytes() for name in "abc"]
    assert same[0] == same[1] != same[2]


def test_gaps_overlaps_and_classes_are_as_promised():
    words = [(name, np.full(4000, 0.08, np.float32)) for name in ("a", "b", "c")]
    words += [("a", np.full(4000, 0.08, np.float32))] * 5  # more clips of a class do not make it likelier
    recordings = [compose_one(words, RATE, np.random.default_rng(seed)) for seed in range(400)]
    spaces = np.concatenate([np.array([b[0] - a[1] for a, b in zip(r.labels, r.labels[1:])]) for r in recordings])
    assert 0.11 < (spaces < 0).mean() < 0.19 and spaces.max() <= 0.6 * RATE and spaces.min() >= -0.4 * 4000 - 1
    assert 0.28 < np.mean(spaces[spaces >= 0]) / RATE < 0.32
    names = [name for r in recordings for *_, name in r.labels]
    assert all(0.28 < names.count(name) / len(names) < 0.39 for name in "abc")
    counts = [len(r.labels) for r in recordings]
    assert set(counts) == set(range(FEWEST, MOST + 1))


def test_clips_are_trimmed_to_what_is_heard():
    wave = np.concatenate([np.zeros(800), np.ones(1600), np.full(800, 0.01)]).astype(np.float32)
    assert len(trim_silence(wave, RATE)) == 1600 + 2 * 80
    with pytest.raises(DataError, match="silent"):
        trim_silence(np.zeros(100), RATE)
    assert abs(len(prepare_clip(torch.ones(2, 1600), 16000, 8000)) - 800) <= 1


def test_only_the_speakers_asked_for(clips, tmp_path):
    assert {clip.speaker for clip in find_clips(clips, ["bob"])} == {"bob"}
    with pytest.raises(UsageError, match="no clips of eve; it has those of ann, bob"):
        find_clips(clips, ["eve"])
    with pytest.raises(DataError, match="is no folder"):
        find_clips(tmp_path / "nothing")
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match="has no clips named"):
        find_clips(tmp_path / "empty")


def test_a_bad_clip_is_named_and_the_rest_is_used(clips, tmp_path):
    (clips / "7_ann_1.wav").write_bytes(b"")
    made = compose_recordings(find_clips(clips), tmp_path / "out", 2)
    assert made.recordings == 2 and len(made.failures) == 1 and "7_ann_1.wav" in made.failures[0]


def test_nothing_is_written_among_other_files(clips):
    with pytest.raises(UsageError, match="holds something already"):
        compose_recordings(find_clips(clips), clips, 2)


def test_recordings_are_not_converted(clips, tmp_path):
    compose_recordings(find_clips(clips), tmp_path / "out", 2)
    with pytest.raises(UsageError, match="is a sound"):
        convert_dataset(open_dataset(tmp_path / "out"), tmp_path / "coco", "coco")


def test_the_command_line(clips, tmp_path):
    command = [sys.executable, "-m", "maskrcnn", "compose", str(clips), "out", "--speakers", "ann", "--count", "3"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0 and done.stdout.startswith("3 recordings (") and "by ann are in out" in done.stdout
    assert len(list((tmp_path / "out").glob("*.wav"))) == len(list((tmp_path / "out").glob("ann*.txt"))) == 3
    again = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert again.returncode == 2 and "holds something already" in again.stderr
