"""A valid file, changed a little: its bytes, the numbers in its text, the values in its json, or what it packs."""

from __future__ import annotations

import gzip
import io
import json
import re
import struct
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

INTERESTING = (
    0,
    1,
    2,
    3,
    127,
    128,
    255,
    256,
    32767,
    32768,
    65535,
    65536,
    2**31 - 1,
    2**31,
    2**32 - 1,
    2**40,
    2**63 - 1,
)
WORDS = (
    "0", "-1", "1e308", "-1e308", "1e-308", "nan", "inf", "-inf", "1" * 400, "0x" + "f" * 40, "2147483648",
    "1000000000", "9223372036854775808", "", " ", "\0", "é", "\ud800", "../../x", "x" * 300, "=1+1", "null", "true",
    "[]", "{}", "1,5", "1 2", "\t", "\n",
)  # fmt: skip
HOSTILE: tuple[Any, ...] = (
    None, True, 0, -1, 1.5, 10**9, 2**33, 10**400, 1e308, float("nan"), float("inf"), "", "x", "1", "\ud800", "x" * 300,
    "a\nb", "../../x", [], {}, [[]], [1], [[1, 2], [3]], {"a": 1}, [None], ["x"] * 3, [1e308] * 6, [-1] * 4,
)  # fmt: skip
NUMBER = re.compile(r"-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?")
TEXT = {".json", ".txt", ".xml", ".yaml", ".yml", ".csv", ".hea", ".fa", ".gb", ".gff3"}


def mutate(path: Path, random: Random) -> None:
    """Change a file in place."""
    content = path.read_bytes()
    for _ in range(random.choice((1, 1, 1, 2, 4))):
        content = _mutated(path, content, random)
    path.write_bytes(content)


def _mutated(path: Path, content: bytes, random: Random) -> bytes:
    inside = PACKED.get(path.suffix.lower())
    try:
        if inside is not None and random.random() < 0.7:
            return inside(content, random)
        if path.suffix.lower() in TEXT and random.random() < 0.8:
            return _text(content, random)
    except Exception:  # what was changed before cannot be unpacked any more
        pass
    return _bytes(content, random)


def _bytes(content: bytes, random: Random) -> bytes:
    data = bytearray(content or b"\0")
    at = random.randrange(len(data)) if random.random() < 0.5 else random.randrange(min(len(data), 512))
    kind = random.randrange(7)
    length = min(random.choice((1, 2, 4, 16, 200)), len(data) - at)
    if kind == 0:
        data[at] ^= 1 << random.randrange(8)
    elif kind == 1:
        data[at] = random.randrange(256)
    elif kind == 2:
        form = random.choice(["<B", "<H", ">H", "<I", ">I", "<Q", ">Q", "<d", "<f"])
        number = random.choice(INTERESTING)
        value = float(number) * random.choice((1, -1, float("nan"))) if form[1] in "df" else number
        packed = struct.pack(form, value if form[1] in "df" else number % 2 ** (8 * struct.calcsize(form)))
        data[at : at + len(packed)] = packed
    elif kind == 3:
        del data[at : at + length]
    elif kind == 4:
        data[at:at] = data[at : at + length]
    elif kind == 5:
        del data[at:]
    else:
        data[at:at] = bytes(random.randrange(256) for _ in range(length))
    return bytes(data)


def _text(content: bytes, random: Random) -> bytes:
    text = content.decode("utf-8", "surrogateescape")
    if text.lstrip()[:1] in "{[" and random.random() < 0.8:
        return _json(text, random).encode("utf-8", "surrogatepass")
    places = list(NUMBER.finditer(text)) if random.random() < 0.6 else list(re.finditer(r"[^\s,;<>=\"']+", text))
    if not places:
        return _bytes(content, random)
    place = random.choice(places)
    text = text[: place.start()] + random.choice(WORDS) + text[place.end() :]
    return text.encode("utf-8", "surrogatepass" if random.random() < 0.5 else "replace")


def _json(text: str, random: Random) -> str:
    values = json.loads(text)
    change_json(values, random)
    return json.dumps(values, ensure_ascii=random.random() < 0.5)


def change_json(values: Any, random: Random) -> None:
    """Replace, leave out or double one value somewhere in nested dicts and lists."""
    place = values
    while True:
        keys = list(place) if isinstance(place, dict) else list(range(len(place)))
        if not keys:
            return
        key = random.choice(keys)
        deeper = isinstance(place[key], dict | list) and len(place[key]) > 0
        if not deeper or random.random() < 0.15:
            break
        place = place[key]
    kind = random.randrange(6)
    if kind == 0:
        del place[key]
    elif kind == 1 and isinstance(place, list):
        place.insert(key, place[key])
    elif kind == 2:
        place[key] = [place[key]]
    elif kind == 3 and isinstance(place[key], int | float):
        place[key] = -place[key]
    else:
        place[key] = random.choice(HOSTILE)


def _gzip(content: bytes, random: Random) -> bytes:
    return gzip.compress(_bytes(gzip.decompress(content), random), 1)


def _zip(content: bytes, random: Random) -> bytes:
    """Change one member; sizes and sums are right again."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        members = {info: archive.read(info) for info in archive.infolist()}
    chosen = random.choice(list(members))
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        for info, data in members.items():
            if info is chosen and random.random() < 0.1:
                continue
            archive.writestr(info.filename, _bytes(data, random) if info is chosen else data, info.compress_type)
    return made.getvalue()


def _safetensors(content: bytes, random: Random) -> bytes:
    """Change the header, what it says of the model, or the numbers."""
    (length,) = struct.unpack("<Q", content[:8])
    header, data = json.loads(content[8 : 8 + length]), content[8 + length :]
    kind = random.randrange(4)
    if kind == 0:
        change_json(header, random)
    elif kind == 1:
        data = _bytes(data, random)[: len(data)].ljust(len(data), b"\x7f")
    else:
        own = json.loads(header["__metadata__"]["maskrcnn"])
        change_json(own if kind == 2 else own["config"], random)
        header["__metadata__"]["maskrcnn"] = json.dumps(own)
    text = json.dumps(header).encode("utf-8", "surrogatepass")
    return struct.pack("<Q", len(text)) + text + data


def _png(content: bytes, random: Random) -> bytes:
    """Change one chunk; its sum is right again."""
    chunks, at = [], 8
    while at + 12 <= len(content):
        (length,) = struct.unpack(">I", content[at : at + 4])
        chunks.append((content[at + 4 : at + 8], content[at + 8 : at + 8 + length]))
        at += 12 + length
    k = random.randrange(len(chunks))
    name, data = chunks[k]
    if name == b"IDAT" and random.random() < 0.5:
        data = zlib.compress(_bytes(zlib.decompress(data), random))
    else:
        data = _bytes(data, random)
    chunks[k] = (name, data)
    made = content[:8]
    for name, data in chunks:
        made += struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
    return made


PACKED: dict[str, Callable[[bytes, Random], bytes]] = {
    ".gz": _gzip,
    ".mgz": _gzip,
    ".npz": _zip,
    ".pth": _zip,
    ".safetensors": _safetensors,
    ".png": _png,
}
