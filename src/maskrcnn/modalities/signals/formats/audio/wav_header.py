"""The sizes in the header of a WAV: what they promise, and what a stream that nobody finished left there.

A program that writes into a pipe cannot go back to fill in how much it wrote. ffmpeg leaves 0xFFFFFFFF, SoX 0x7FFFF000,
others 0 or 0x80000000; the samples go on to the end of the file.
"""

from __future__ import annotations

import io
import struct
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

UNKNOWN = 0x7FFF0000  # sizes from this on are none, where the file is smaller
KINDS = {b"RIFF": "<", b"RIFX": ">"}
CHUNKS = frozenset({b"LIST", b"id3 ", b"ID3 ", b"fact", b"bext", b"cue ", b"smpl", b"PEAK", b"JUNK", b"iXML", b"afsp"})


@dataclass(frozen=True)
class WavSize:
    """Bytes of samples that the header promises and the file lacks, and four bytes for each place to repair."""

    missing: int = 0
    repairs: Mapping[int, bytes] = field(default_factory=dict)


def wav_size(path: Path) -> WavSize:
    """What is to be said and to be repaired of a WAV; nothing of other files.

    Raises:
        OSError: it cannot be read.
    """
    size = path.stat().st_size
    with path.open("rb") as file:
        order = KINDS.get(file.read(4), "")
        if not order:
            return WavSize()
        at = 12
        while at + 8 <= size:
            file.seek(at)
            name, length = struct.unpack(f"{order}4sI", file.read(8))
            if name == b"data":
                held = size - at - 8
                unfinished = length >= UNKNOWN or (length == 0 and file.read(4) not in CHUNKS)
                if held > 0 and unfinished and length != held and (length > held or not length):
                    sizes = {4: size - 8, at + 4: held}
                    return WavSize(0, {where: struct.pack(f"{order}I", own) for where, own in sizes.items()})
                return WavSize(max(0, length - held))
            at += 8 + length + length % 2
    return WavSize()


class Patched(io.FileIO):
    """A file that is read as if some of its bytes were others."""

    def __init__(self, path: Path, repairs: Mapping[int, bytes]) -> None:
        super().__init__(path, "rb")
        self.repairs = repairs

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]
        start = self.tell()
        count = super().readinto(buffer) or 0
        view = memoryview(buffer).cast("B")
        for where, content in self.repairs.items():
            for k, byte in enumerate(content, start=where - start):
                if 0 <= k < count:
                    view[k] = byte
        return count

    def read(self, size: int | None = -1) -> bytes:
        if size is None or size < 0:
            return self.readall()
        buffer = bytearray(size)
        return bytes(buffer[: self.readinto(buffer)])
