"""The command line at hand in any test: run in this process, which is fast, on a tiny model of random weights."""

import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from maskrcnn.apps import cli
from tiny import save_tiny_model


@dataclass(frozen=True)
class Outcome:
    """What a command left behind: its exit code and what it printed."""

    code: int
    out: str
    err: str


@pytest.fixture(scope="session")
def tiny_file(tmp_path_factory) -> Path:
    """A model file of two classes, ``disc`` and ``brick``."""
    return save_tiny_model(tmp_path_factory.mktemp("model") / "tiny.safetensors")


@pytest.fixture
def maskrcnn(monkeypatch, capsys):
    """``maskrcnn("predict", "photo.jpg") -> Outcome``; an exception that a user would see as a traceback fails."""

    def run(*arguments):
        monkeypatch.setattr(sys, "argv", ["maskrcnn", *map(str, arguments)])
        capsys.readouterr()
        with pytest.raises(SystemExit) as exited:
            cli.main()
        printed = capsys.readouterr()
        assert "Traceback" not in printed.out + printed.err
        return Outcome(exited.value.code, printed.out, printed.err)

    return run


@pytest.fixture
def refused(maskrcnn):
    """Run a command that cannot start: exit code 2, nothing on standard output, one sentence, which is returned."""

    def run(*arguments):
        outcome = maskrcnn(*arguments)
        lines = outcome.err.strip().splitlines()
        assert (outcome.code, outcome.out, len(lines)) == (2, "", 1), outcome
        assert lines[0].startswith("maskrcnn: ") and lines[0].endswith((".", "?"))
        return lines[0]

    return run
