"""Whether the studio changes one object of a data set and nothing else.

    python tools/check_studio_round_trip.py DATA...

Each data set is copied, the first object of its first image with objects is moved by a pixel, and the labels are
saved. Printed is how many files differ, and how many of their lines (of a file of one line: its values). Then the move
is undone, and the labels are saved again.
"""

from __future__ import annotations

import argparse
import difflib
import json
import shutil
import tempfile
from pathlib import Path
from typing import Any

from maskrcnn.jobs.studio.options import StudioOptions
from maskrcnn.jobs.studio.project import Project
from maskrcnn.jobs.studio.strokes import Body


def files_of(folder: Path) -> dict[str, bytes]:
    """All files but those of the journal."""
    kept = [path for path in folder.rglob("*") if path.is_file() and ".maskrcnn" not in path.parts]
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in kept}


def values_of(content: Any, place: str = "") -> dict[str, Any]:
    """Every value of a json file by its place."""
    if isinstance(content, dict):
        return {k: v for key, own in content.items() for k, v in values_of(own, f"{place}/{key}").items()}
    if isinstance(content, list):
        return {k: v for key, own in enumerate(content) for k, v in values_of(own, f"{place}/{key}").items()}
    return {place: content}


def differences(before: dict[str, bytes], after: dict[str, bytes]) -> list[str]:
    """A line for each file that is another now."""
    told = []
    for name in sorted(before.keys() | after.keys()):
        old, new = before.get(name), after.get(name)
        if old is None or new is None:
            told.append(f"  {name}: {'new' if old is None else 'gone'}")
        elif old != new and name.endswith(".json"):
            one, other = values_of(json.loads(old)), values_of(json.loads(new))
            places = sorted(k for k in one.keys() | other.keys() if one.get(k, ...) != other.get(k, ...))
            told.append(f"  {name}: {len(places)} of {len(one)} values: {', '.join(places[:4])} ...")
        elif old != new:
            lines = list(difflib.ndiff(old.decode().splitlines(), new.decode().splitlines()))
            told.append(f"  {name}: {sum(line.startswith('+ ') for line in lines)} of {len(old.splitlines())} lines")
    return told


def moved(body: Body) -> Body:
    """An object one pixel further to the right."""
    parts = [[[v + (k % 2 == 0) for k, v in enumerate(ring)] for ring in part] for part in body["parts"]]
    x1, y1, x2, y2 = body["box"]
    mask = body["mask"]
    if mask is not None:
        low = mask["box"]
        mask = {**mask, "box": [low[0] - 1, low[1], low[2] - 1, low[3]] if low[0] else low}
    return {**body, "box": [x1 + 1, y1, x2 + 1, y2], "parts": parts, "mask": mask}


def check(data: Path) -> None:
    """Open, change, save, undo, save."""
    with tempfile.TemporaryDirectory() as place:
        copy = Path(place, "data")
        shutil.copytree(data, copy)
        before = files_of(copy)
        project = Project(StudioOptions(copy, model="none"))
        number = next(line.id for line in project.lines() if line.objects)
        own, body = next(iter(project.open(number).objects.items()))
        project.do(number, "move", [(own, moved(body))], "", 10**9, "")
        written = project.save()
        print(f"{data}: {project.opened.form}, {len(before)} files, {len(project.lines())} images; one object moved:")
        print("\n".join(differences(before, files_of(copy)) or ["  nothing differs"]))
        print("\n".join(f"  lost: {count} {what}" for what, count in written.lost.items()) or "  nothing is lost")
        project.undo(number, "")
        project.save()
        print("\n".join(["  undone:", *(differences(before, files_of(copy)) or ["  nothing differs"])]))
        project.close()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path, nargs="+")
    for asked in parser.parse_args().data:
        check(asked)
