"""The small trained models that the package ships, each with its card."""

from __future__ import annotations

from pathlib import Path

DEFAULT_MODEL = "everyday"  # of every command that takes one
DEFAULT_OF_KIND = {"wfdb": "ecg", "audio": "spoken-digits"}  # where a command is given such files and no pictures
FOLDER = Path(__file__).parent


def shipped_models() -> list[str]:
    """Names of the models in the package."""
    return sorted(path.stem for path in FOLDER.glob("*.safetensors"))


def model_path(name: str) -> Path:
    """The file of a shipped model; it may not exist."""
    return FOLDER / f"{name}.safetensors"
