"""The command ``maskrcnn-runtime``."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path

from maskrcnn_runtime.errors import RuntimeFault
from maskrcnn_runtime.pictures import Model, read_picture
from maskrcnn_runtime.serving import serve
from maskrcnn_runtime.watching import watch
from maskrcnn_runtime.writing import ResultFolder, entries_of

SUFFIXES = (".jpg", ".jpeg", ".png", ".bmp", ".webp", ".tif", ".tiff", ".gif")


def main() -> None:
    """Run a command; exit code 0 done, 1 done but for some inputs, 2 could not be done, 130 interrupted."""
    try:
        options = _parser().parse_args()
        sys.exit(options.run(options))
    except RuntimeFault as error:
        _say(str(error))
        sys.exit(2)
    except OSError as error:
        _say(f"{error.filename or 'a file'}: {error.strerror or error}.")
        sys.exit(2)
    except KeyboardInterrupt:
        _say("stopped.")
        sys.exit(130)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("maskrcnn-runtime", description="Run exported models of maskrcnn without torch.")
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")
    predict = commands.add_parser("predict", help="find the objects in pictures")
    predict.add_argument("inputs", nargs="+", type=Path, metavar="PICTURE", help="pictures or folders, then the model")
    predict.add_argument("model", type=Path, metavar="MODEL", help="a file that maskrcnn export wrote (.zip)")
    predict.add_argument("--out", type=Path, default=Path("out"), help="folder for the results (default: out)")
    predict.add_argument(
        "--json", action="store_true", help="write a line of json a picture to standard output instead"
    )
    predict.set_defaults(run=_predict)
    seen = commands.add_parser("watch", help="find and follow the objects that a camera or a clip shows")
    seen.add_argument("source", metavar="SOURCE", help="a camera such as /dev/video0, a clip, or an address (rtsp://)")
    seen.add_argument("model", type=Path, metavar="MODEL", help="a file that maskrcnn export wrote (.zip)")
    seen.add_argument("--most", type=int, default=0, help="frames to look at (default: all)")
    seen.set_defaults(run=_watch)
    served = commands.add_parser("serve", help="answer pictures that are sent over HTTP with json")
    served.add_argument("model", type=Path, metavar="MODEL", help="a file that maskrcnn export wrote (.zip)")
    served.add_argument("--host", default="127.0.0.1", help="address to listen at (default: this computer alone)")
    served.add_argument("--port", type=int, default=8765, help="port to listen at (default: 8765)")
    served.set_defaults(run=_serve)
    for command in (predict, seen, served):
        command.add_argument("--score", type=float, default=0.5, help="least score of an object (default: 0.5)")
        command.add_argument("--threads", type=int, default=0, help="of the network (default: one a core)")
    return parser


def _model(options: argparse.Namespace) -> Model:
    if not 0 <= options.score <= 1:
        raise RuntimeFault(f"--score must lie between 0 and 1, not {options.score:g}.")
    if options.threads < 0:
        raise RuntimeFault(f"--threads must be at least 0, not {options.threads}.")
    return Model(options.model, options.threads)


def _predict(options: argparse.Namespace) -> int:
    model = _model(options)
    folder = None if options.json else ResultFolder(options.out, model)
    failed = 0
    for path in _pictures(options.inputs):
        try:
            image = read_picture(path)
            found = model(image, options.score)
            if folder is None:
                objects = entries_of(model, found, image.shape[:2])
                print(json.dumps({"file": str(path), "objects": objects}, ensure_ascii=False), flush=True)
            else:
                folder.add(path, image, found)
                print(f"{path}: {len(found)} {'object' if len(found) == 1 else 'objects'}", flush=True)
        except RuntimeFault as error:
            _say(str(error))
            failed += 1
    if folder is not None:
        folder.write_lists()
        print(f"Results are in {options.out}.")
    return 1 if failed else 0


def _pictures(inputs: Sequence[Path]) -> list[Path]:
    paths = []
    for path in inputs:
        inside = sorted(own for own in path.iterdir() if own.suffix.lower() in SUFFIXES) if path.is_dir() else [path]
        if not inside:
            raise RuntimeFault(f"{path} holds no pictures.")
        paths += inside
    return paths


def _watch(options: argparse.Namespace) -> int:
    for line in watch(options.source, _model(options), options.score, options.most):
        print(json.dumps(line, ensure_ascii=False), flush=True)
    return 0


def _serve(options: argparse.Namespace) -> int:
    serve(_model(options), options.score, options.host, options.port)
    return 0


def _say(sentence: str) -> None:
    print(f"maskrcnn-runtime: {sentence}", file=sys.stderr)
