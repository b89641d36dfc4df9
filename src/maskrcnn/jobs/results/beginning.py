"""Where a prediction begins: anew, or where one before it was stopped."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from itertools import count
from pathlib import Path
from typing import Any

from maskrcnn.checkpoints.lookup import find_model_file
from maskrcnn.checks import counted
from maskrcnn.errors import UsageError
from maskrcnn.files import RESULTS_MARK, exists, resolved
from maskrcnn.inference.results.journal import Journal, Past, read_past, remove_results
from maskrcnn.inference.results.lists import LIST, TABLE
from maskrcnn.jobs.options.predict import OUT, PredictFilesOptions


def begin(options: PredictFilesOptions, paths: Sequence[Path], model: str, shown: Mapping[Path, str]) -> Journal:
    """The journal of a prediction: of a new one, or of one that goes on.

    A folder holds the results of one prediction. Where every file of the one before is among ``paths``, it is done
    anew in its place; else another folder has to be named, unless none was.

    Args:
        options: the folder, and whether to go on or to begin anew.
        paths: of the files.
        model: its name or file.
        shown: what results call files that were fetched.

    Returns:
        The journal; its folder is the one that is written into.

    Raises:
        UsageError: the folder holds something else.
    """
    settings = {"model": _trace_of(model), **options.settings()}
    out = options.out
    for number in count(2):
        past = read_past(out)
        if options.skip_done:
            _refuse_other_settings(out, past, settings)
            return Journal(out, settings, past, shown)
        done = {line.input[1] for line in past.lines} if past is not None else set()
        if options.overwrite or not _holds_results(out):
            break
        if past is not None and past.finished and done <= {shown.get(path) or str(resolved(path)) for path in paths}:
            break
        if options.out is not OUT:
            raise UsageError(_refusal(out, past))
        if past is not None and not past.finished:
            raise UsageError(_refusal(out, past))
        out = OUT.with_name(f"{OUT.name}-{number}")
    remove_results(out, past)
    return Journal(out, settings, shown=shown)


def _holds_results(out: Path) -> bool:
    return any(exists(out / name) for name in (RESULTS_MARK, LIST, TABLE))


def _refusal(out: Path, past: Past | None) -> str:
    if past is None or past.finished:
        what = "results of other files" if past is not None else "results of an earlier run"
        return f"{out} holds {what}: name another folder with --out, or --overwrite to remove them."
    return (
        f"{out} holds a run that was stopped after {counted(len(past.lines), 'input')}: go on with --skip-done, begin "
        "anew with --overwrite, or name another folder with --out."
    )


def _refuse_other_settings(out: Path, past: Past | None, settings: dict[str, Any]) -> None:
    if past is None:
        if _holds_results(out):
            raise UsageError(f"{out} does not say which files are done in it: begin anew with --overwrite.")
        return
    for name, value in settings.items():
        if past.lines and past.settings.get(name) != value:
            flag = f"--{name.replace('_', '-')}"
            was = past.settings.get(name)
            told = "of another model" if name == "model" else f"with another {flag} (it was {was}, not {value})"
            raise UsageError(f"What is done in {out} is {told}: ask for the same, or name another folder.")


def _trace_of(model: str) -> list[Any]:
    """By which a model is known again: the name of its file, its size and its end."""
    path = find_model_file(model)
    with path.open("rb") as file:
        size = file.seek(0, 2)
        file.seek(max(0, size - 2**16))
        return [path.name, size, hashlib.sha256(file.read()).hexdigest()[:16]]
