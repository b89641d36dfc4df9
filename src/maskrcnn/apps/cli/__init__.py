"""The command line: a table of names and functions; the flags come from their dataclasses."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from typing import Any

import tyro

from maskrcnn.apps.cli.association.associate import Associate
from maskrcnn.apps.cli.browser.studio import Studio
from maskrcnn.apps.cli.compose import Compose
from maskrcnn.apps.cli.console import manner, say
from maskrcnn.apps.cli.convert import Convert
from maskrcnn.apps.cli.demo import Demo
from maskrcnn.apps.cli.doctor import Doctor
from maskrcnn.apps.cli.edge.export_model import Export
from maskrcnn.apps.cli.evaluate import Evaluate
from maskrcnn.apps.cli.import_model import Import
from maskrcnn.apps.cli.models import Models
from maskrcnn.apps.cli.predict import Predict
from maskrcnn.apps.cli.sequences.track import Track
from maskrcnn.apps.cli.songs.compose import ComposeSongs
from maskrcnn.apps.cli.songs.fuse import Fuse
from maskrcnn.apps.cli.synthetic.people import SyntheticPeople
from maskrcnn.apps.cli.synthetic.volumes import Synthetic
from maskrcnn.apps.cli.train import Train
from maskrcnn.apps.cli.words.devices import with_devices_named
from maskrcnn.apps.cli.words.groups import COMPLETION, EXIT_CODES
from maskrcnn.apps.cli.words.help import command_help
from maskrcnn.apps.cli.words.slips import refuse_slips
from maskrcnn.apps.cli.words.values import with_values_spelled
from maskrcnn.checks import memory_explained
from maskrcnn.errors import MaskRCNNError
from maskrcnn.jobs.options.known_files import ALL_FILES

COMMANDS: dict[str, Callable[..., Any]] = {
    "predict": Predict,
    "evaluate": Evaluate,
    "track": Track,
    "associate": Associate,
    "fuse": Fuse,
    "doctor": Doctor,
    "train": Train,
    "studio": Studio,
    "convert": Convert,
    "compose": Compose,
    "compose-songs": ComposeSongs,
    "synthetic": Synthetic,
    "synthetic-people": SyntheticPeople,
    "demo": Demo,
    "models": Models,
    "import": Import,
    "export": Export,
}
DESCRIPTION = (
    f"Find every object in {ALL_FILES}, name it and give exactly what it covers. First steps: maskrcnn predict "
    f"photo.jpg, and maskrcnn train DATA. Every command: -q, --quiet says only what went wrong. {EXIT_CODES} "
    f"{COMPLETION}"
)
TWO_WORDS = {("synthetic", "people"), ("compose", "songs")}  # a folder of such a name is ./songs
QUIET, HELP = ("-q", "--quiet"), ("-h", "--help", "--help-all")


def main() -> None:
    """Run a command; exit code 0 done, 1 done but for some inputs, 2 could not be done, 130 interrupted."""
    for stream in (sys.stdout, sys.stderr):  # a file name may hold what this terminal cannot show
        stream.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]
    arguments = list(sys.argv[1:])
    try:
        if arguments in (["--version"], ["-V"]):
            print(f"maskrcnn {sys.modules['maskrcnn'].__version__}")
            sys.exit(0)
        manner.quiet = any(argument in QUIET for argument in arguments)
        manner.as_json = "--json" in arguments and arguments[0] == "predict"
        arguments = [argument for argument in arguments if argument not in QUIET]
        if tuple(arguments[:2]) in TWO_WORDS:
            arguments[:2] = ["-".join(arguments[:2])]
        refuse_slips(arguments, COMMANDS)
        if arguments and arguments[0] in COMMANDS and any(argument in HELP for argument in arguments):
            print(command_help(arguments[0], COMMANDS[arguments[0]], "--help-all" in arguments))
            sys.exit(0)
        if arguments and arguments[0] in COMMANDS:
            arguments[1:] = with_values_spelled(arguments[1:], COMMANDS[arguments[0]])
        arguments = with_devices_named(arguments, say)
        command = tyro.extras.subcommand_cli_from_dict(
            COMMANDS,
            prog="maskrcnn",
            description=DESCRIPTION,
            args=arguments,
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
