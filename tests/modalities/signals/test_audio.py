from __future__ import annotations

import numpy as np
import pytest

from maskrcnn.errors import DataError
from maskrcnn.modalities.open import open_dataset
from maskrcnn.modalities.signals.find import find_signals
from maskrcnn.modalities.signals.read import read_signal

soundfile = pytest.importorskip("soundfile")
RATE = 8000


def write_sound(path, length=RATE, channels=1, seed=0):
    wave = np.random.default_rng(seed).uniform(-0.5, 0.5, (length, channels))
    soundfile.write(str(path), wave, RATE, subtype="PCM_16")
    return wave.T


@pytest.mark.parametrize("suffix", [".wav", ".flac"])
@pytest.mark.parametrize("channels, names", [(1, ("channel 1",)), (2, ("left", "right"))])
def test_sound_is_read_as_it_is(tmp_path, suffix, channels, names):
    path = tmp_path / f"a{suffix}"
    written = write_sound(path, channels=channels)
    signal = read_signal(path)
    np.testing.assert_allclose(signal.samples.numpy(), written, atol=1e-4)
    assert (signal.rate, signal.kind, signal.channel_names, signal.unit) == (RATE, "audio", names, "s")
    np.testing.assert_array_equal(read_signal(path, 100, 300).samples, signal.samples[:, 100:300])
    assert read_signal(path, 7000, 99_999).samples.shape == (channels, 1000)


def test_a_folder_of_sounds_with_labels_is_a_data_set(tmp_path):
    for name in ("a.wav", "b.flac", "c.wav", "d.wav"):
        write_sound(tmp_path / name)
    (tmp_path / "a.txt").write_text("0.1\t0.2\tdog\n0.15\t0.3\tcat\n")
    (tmp_path / "b.csv").write_text("start_sample,end_sample,label\n7000,9000,dog\n9000,9500,cat\n")
    (tmp_path / "d.txt").write_text("")
    data = open_dataset(tmp_path)
    assert data.class_names == ("cat", "dog") and [r.image_id for r in data] == ["a", "b", "d"]
    assert data[0].boxes.tolist() == [[800, 1600], [1200, 2400]] and data[0].labels.tolist() == [2, 1]
    assert data[1].boxes.tolist() == [[7000, 8000]] and len(data[2]) == 0
    assert data[0].extent is None and data[0].sampling_rate == RATE and not data[0].unknown_sides.any()
    assert data.read_image(data[0]).shape == (1, RATE)
    assert len(data.problems) == 3
    assert "c.wav was left out: it has no labels" in data.problems[0] and "cut off" in data.problems[1]
    (tmp_path / "classes.txt").write_text("dog\nbird\n")
    assert open_dataset(tmp_path).class_names == ("dog", "bird", "cat")
    assert len(open_dataset(tmp_path / "a.wav")) == 1


def test_sounds_that_are_none(tmp_path):
    write_sound(tmp_path / "zero.wav", 0)
    (tmp_path / "empty.wav").write_bytes(b"")
    (tmp_path / "text.wav").write_text("no sound")
    for name, words in (("zero", "holds no samples"), ("empty", "is empty"), ("text", "no sound that can be read")):
        with pytest.raises(DataError, match=f"{name}.wav {words}|{name}.wav is {words}"):
            read_signal(tmp_path / f"{name}.wav")
        (tmp_path / f"{name}.txt").write_text("0\t1\tx\n")
    with pytest.raises(DataError, match="not one recording can be used"):
        open_dataset(tmp_path)
    write_sound(tmp_path / "good.wav")
    (tmp_path / "good.txt").write_text("0\t1\tx\n")
    data = open_dataset(tmp_path)
    assert len(data) == 1 and len(data.problems) == 3


def test_a_sound_that_is_cut_off_is_read_as_far_as_it_goes(tmp_path):
    write_sound(tmp_path / "a.wav")
    path = tmp_path / "a.wav"
    path.write_bytes(path.read_bytes()[:4044])
    signal = read_signal(path)
    assert signal.samples.shape == (1, 2000) and "12000 bytes are missing" in signal.notes[0]


def test_there_is_nothing_to_choose(tmp_path):
    write_sound(tmp_path / "a.wav")
    with pytest.raises(DataError, match="no q1c to choose"):
        open_dataset(f"{tmp_path}:q1c")


def test_a_folder_of_that_name_is_a_split(tmp_path):
    write_sound(tmp_path / "a.wav")
    (tmp_path / "val").mkdir()
    write_sound(tmp_path / "val" / "b.wav")
    (tmp_path / "val" / "b.txt").write_text("0\t1\tx\n")
    assert [r.image_id for r in open_dataset(f"{tmp_path}:val")] == ["b"]
    assert find_signals(tmp_path) == [tmp_path / "a.wav", tmp_path / "val" / "b.wav"]
