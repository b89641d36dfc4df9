"""The command line: a table of names and functions; the flags come from their dataclasses."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from typing import Any

import tyro

from maskrcnn.apps.cli.compose import Compose
from maskrcnn.apps.cli.console import say
from maskrcnn.apps.cli.convert import Convert
from maskrcnn.apps.cli.demo import Demo
from maskrcnn.apps.cli.doctor import Doctor
from maskrcnn.apps.cli.evaluate import Evaluate
from maskrcnn.apps.cli.import_model import Import
from maskrcnn.apps.cli.models import Models
from maskrcnn.apps.cli.predict import Predict
from maskrcnn.apps.cli.synthetic import Synthetic
from maskrcnn.apps.cli.train import Train
from maskrcnn.checks import memory_explained
from maskrcnn.errors import MaskRCNNError
from maskrcnn.jobs.options.known_files import ALL_FILES

COMMANDS: dict[str, Callable[..., Any]] = {
    "predict": Predict,
    "evaluate": Evaluate,
    "doctor": Doctor,
    "train": Train,
    "convert": Convert,
    "compose": Compose,
    "synthetic": Synthetic,
    "demo": Demo,
    "models": Models,
    "import": Import,
}
DESCRIPTION = f"Find every object in {ALL_FILES}, name it and give exactly what it covers."


def main() -> None:
    """Run a command; exit code 0 done, 1 done but for some inputs, 2 could not be done, 130 interrupted."""
    for stream in (sys.stdout, sys.stderr):  # a file name may hold what this terminal cannot show
        stream.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]
    try:
        command = tyro.extras.subcommand_cli_from_dict(
            COMMANDS,
            prog="maskrcnn",
            description=DESCRIPTION,
            use_underscores=False,
            config=(tyro.conf.FlagCreatePairsOff,),
        )
        with memory_explained():
            sys.exit(command.run())
    except MaskRCNNError as error:
        say(f"maskrcnn: {error}")
        sys.exit(2)
    except BrokenPipeError:  # whoever read our output has stopped listening
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
    except OSError as error:
        say(f"maskrcnn: {error.filename or 'a file'}: {error.strerror or error}.")
        sys.exit(2)
    except KeyboardInterrupt as stopped:
        say(f"maskrcnn: {stopped.args[0] if stopped.args else 'stopped.'}")
        sys.exit(130)
