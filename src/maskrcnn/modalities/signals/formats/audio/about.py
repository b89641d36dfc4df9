"""What a sound is, without loading what reads it."""

from __future__ import annotations

from pathlib import Path

from maskrcnn.modalities.signals.recording_format import RecordingFormat

SUFFIXES = (".wav", ".flac", ".ogg", ".aif", ".aiff", ".mp3")


def is_audio(path: Path) -> bool:
    """Whether the suffix is that of a sound."""
    return path.suffix.lower() in SUFFIXES


FORMAT = RecordingFormat(
    name="sound (.wav, .flac, .ogg, .aif, .mp3)",
    short="WAV, FLAC",
    order=30,
    kind="audio",
    suffixes=SUFFIXES,
    is_file=is_audio,
)
