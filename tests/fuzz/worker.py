"""Cases of one target, in a process of its own: ``python -m fuzz.worker TARGET SEED FIRST STOP``.

A line of json is printed before each case, and one for each finding.
"""

from __future__ import annotations

import contextlib
import json
import os
import resource
import shutil
import signal
import sys
import tempfile
import traceback
import warnings
from pathlib import Path
from random import Random

from fuzz.mutations import mutate
from fuzz.seeds import write_seeds
from fuzz.targets import TARGETS

SECONDS, MOST = 20, 2 * 2**30  # of one case: time, and bytes of memory
LIMIT = 12 * 2**30  # of the address space, so that no case takes the machine with it


class Hang(BaseException):
    """A case takes too long."""


def main() -> None:
    target, seed, first, stop = sys.argv[1], *map(int, sys.argv[2:5])
    kind, read = TARGETS[target]
    warnings.simplefilter("ignore")
    resource.setrlimit(resource.RLIMIT_AS, (LIMIT, LIMIT))
    signal.signal(signal.SIGALRM, _hang)
    with tempfile.TemporaryDirectory() as temporary:
        seeds, place = write_seeds(kind, Path(temporary) / "seeds"), Path(temporary) / "case"
        for number in range(first, stop):
            _say(case=number)
            changed = _write_case(seeds, place, Random(f"{seed}-{target}-{number}"))
            found = _run(read, place)
            if found:
                _say(case=number, target=target, seed=seed, changed=changed, **found)


def _write_case(seeds: Path, place: Path, random: Random) -> str:
    """A copy of the seeds with one file changed; its name. Of sets, other folders are left out."""
    shutil.rmtree(place, ignore_errors=True)
    files = sorted(path for path in seeds.rglob("*") if path.is_file())
    chosen = random.choice(files)
    part = chosen.relative_to(seeds).parts[0]
    if (seeds / part).is_dir():
        shutil.copytree(seeds / part, place / part)
    else:
        place.mkdir()
        for file in seeds.glob(f"{chosen.stem.partition('.')[0]}.*"):
            shutil.copy(file, place)
    mutate(place / chosen.relative_to(seeds), random)
    return chosen.relative_to(seeds).as_posix()


def _run(read, place: Path) -> dict[str, object] | None:
    _forget_peak()
    before = _peak()
    signal.setitimer(signal.ITIMER_REAL, SECONDS)
    try:
        with open(os.devnull, "w") as nowhere, contextlib.redirect_stdout(nowhere), contextlib.redirect_stderr(nowhere):  # noqa: PTH123
            read(place)
    except (Exception, Hang) as error:
        return {"what": type(error).__name__, "said": str(error)[:300], "where": _place_of(error)}
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
    taken = _peak() - before
    return {"what": "memory", "said": f"{taken >> 20} MiB", "where": ""} if taken >= MOST else None


def _place_of(error: BaseException) -> str:
    """The innermost line of the package's own."""
    frames = [f for f in traceback.extract_tb(error.__traceback__) if "/maskrcnn/" in f.filename]
    return f"{frames[-1].filename.partition('/maskrcnn/')[2]}:{frames[-1].lineno}" if frames else "outside"


def _forget_peak() -> None:
    with contextlib.suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5")


def _peak() -> int:
    with contextlib.suppress(OSError):
        for line in Path("/proc/self/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def _hang(*_: object) -> None:
    raise Hang(f"more than {SECONDS} s")


def _say(**what: object) -> None:
    print(json.dumps(what), file=sys.__stdout__, flush=True)


if __name__ == "__main__":
    main()
