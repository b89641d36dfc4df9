"""Sounds whose headers were never finished, and headers that lie."""

from __future__ import annotations

import struct

import numpy as np
import pytest

from maskrcnn.errors import DataError
from maskrcnn.modalities.signals.read import read_signal

soundfile = pytest.importorskip("soundfile")
SAMPLES = np.round(np.sin(np.arange(4000) / 9) * 0.5, 3)


def sound(folder, rate=8000, suffix="wav", **options):
    path = folder / f"a.{suffix}"
    soundfile.write(path, SAMPLES, rate, **options)
    return path, soundfile.read(path, dtype="float32")[0]


def patch(path, **fields):
    content = bytearray(path.read_bytes())
    at = content.index(b"data")
    places = {"riff": 4, "data": at + 4, "rate": 24, "byte_rate": 28, "align": 32, "channels": 22, "bits": 34}
    for name, value in fields.items():
        form = "<I" if name in ("riff", "data", "rate", "byte_rate") else "<H"
        struct.pack_into(form, content, places[name], value)
    path.write_bytes(content)


@pytest.mark.parametrize("subtype", ["PCM_16", "FLOAT", "PCM_24"])
@pytest.mark.parametrize("size", [0, 0xFFFFFFFF, 0x7FFFF000, 0x7FFFFFFF, 0x80000000, 0xFFFFFFF0, 0x7FFFF024])
def test_a_stream_is_read_to_its_end(tmp_path, size, subtype):
    path, samples = sound(tmp_path, subtype=subtype)
    patch(path, data=size, riff=size)
    signal = read_signal(path)
    np.testing.assert_array_equal(signal.samples[0][: len(samples)].numpy(), samples)
    assert signal.samples.shape == (1, 4000) and signal.notes == ()
    np.testing.assert_array_equal(read_signal(path, 100, 200).samples[0].numpy(), samples[100:200])


def test_a_sound_of_nothing_stays_one(tmp_path):
    soundfile.write(tmp_path / "a.wav", SAMPLES[:0], 8000)
    with pytest.raises(DataError, match="a.wav holds no samples"):
        read_signal(tmp_path / "a.wav")


def test_a_sound_that_is_cut_off_is_told(tmp_path):
    path, _ = sound(tmp_path)
    path.write_bytes(path.read_bytes()[:-2000])
    signal = read_signal(path)
    assert signal.samples.shape == (1, 3000) and "2000 bytes are missing" in signal.notes[0]


def test_flac_that_was_written_into_a_pipe_is_refused(tmp_path):
    path, _ = sound(tmp_path, suffix="flac")
    content = bytearray(path.read_bytes())
    content[21] &= 0xF0  # the 36 bits of the number of samples in STREAMINFO: 0 is unknown
    content[22:26] = bytes(4)
    path.write_bytes(content)
    with pytest.raises(DataError, match="a.flac does not say how many samples it holds"):
        read_signal(path)


@pytest.mark.parametrize("fields", [
    {"rate": 0}, {"channels": 0}, {"channels": 65535}, {"align": 0}, {"bits": 0}, {"rate": 0xFFFFFFFF}, {"rate": 1},
])  # fmt: skip
def test_a_header_that_lies_is_refused_or_read_as_what_it_says(tmp_path, fields):
    path, _ = sound(tmp_path)
    patch(path, **fields)
    try:
        signal = read_signal(path)
    except DataError as error:
        assert "a.wav" in str(error)
        return
    assert signal.rate == fields.get("rate", 8000) and signal.samples.isfinite().all()
