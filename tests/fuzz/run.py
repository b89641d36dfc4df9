"""Fuzz every target in turns until the time is over, and count findings by distinct place.

``python -m fuzz.run --minutes 15 [--seed 0] [--targets nifti ...] [--batch 200]``; exit code 1 where anything was
found.
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import queue
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from typing import Any

from fuzz.targets import TARGETS

SILENCE = 60  # seconds without a word of a worker, which hangs where Python cannot stop it


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=15)
    parser.add_argument("--seed", type=int, default=int(time.time()))
    parser.add_argument("--targets", nargs="+", default=list(TARGETS), choices=list(TARGETS))
    parser.add_argument("--batch", type=int, default=200)
    flags = parser.parse_args()
    end, cases, findings = time.monotonic() + 60 * flags.minutes, Counter[str](), list[dict[str, Any]]()
    print(f"seed {flags.seed}", flush=True)
    for turn in itertools.count():
        for target in flags.targets:
            if time.monotonic() < end:
                first = turn * flags.batch
                for said in fuzz(target, flags.seed, first, first + flags.batch, end):
                    _note(said, target, cases, findings)
        if time.monotonic() >= end:
            break
    return _summary(cases, findings)


def fuzz(target: str, seed: int, first: int, stop: int, end: float) -> Iterator[dict[str, Any]]:
    """What workers say of these cases; after an abort or a hang another one goes on with the next case."""
    while first < stop and time.monotonic() < end:
        command = [sys.executable, "-m", "fuzz.worker", target, str(seed), str(first), str(stop)]
        environment = os.environ | {"OMP_NUM_THREADS": "1", "PYTHONFAULTHANDLER": "0"}
        with subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment
        ) as worker:
            lines: queue.Queue[str | None] = queue.Queue()
            listener = threading.Thread(target=_listen, args=(worker.stdout, lines), daemon=True)
            listener.start()
            last, hangs = first - 1, False
            while time.monotonic() < end:
                try:
                    line = lines.get(timeout=SILENCE)
                except queue.Empty:
                    hangs = True
                    break
                if line is None:
                    break
                said = json.loads(line)
                last = said["case"]
                yield said
            finished = not hangs and time.monotonic() < end
            if not finished:
                worker.kill()
            code = worker.wait()
            listener.join()
            error = (worker.stderr.read() if worker.stderr else "").strip().splitlines()[-1:]
        if hangs:
            yield {"case": last, "what": "hang", "where": "", "said": f"no word for {SILENCE} s", "changed": ""}
        elif finished and code != 0:
            what = f"abort {code}" if last >= first else "no start"
            yield {"case": last, "what": what, "where": "", "said": " ".join(error)[:300], "changed": ""}
        if finished and code == 0:
            return
        first = last + 1 if last >= first else stop


def _listen(stream: Any, lines: queue.Queue[str | None]) -> None:
    for line in stream:
        lines.put(line)
    lines.put(None)


def _note(said: dict[str, Any], target: str, cases: Counter[str], findings: list[dict[str, Any]]) -> None:
    if "what" not in said:
        cases[target] += 1
        return
    known = {(f["what"], f["where"], f["target"]) for f in findings}
    said = {"target": target, **said}
    findings.append(said)
    if (said["what"], said["where"], target) not in known:
        print(json.dumps(said), flush=True)


def _summary(cases: Counter[str], findings: list[dict[str, Any]]) -> int:
    print(f"{sum(cases.values())} cases: " + ", ".join(f"{target} {count}" for target, count in cases.items()))
    places = Counter((f["what"], f["where"], f["target"]) for f in findings)
    for (what, where, target), count in places.most_common():
        print(f"{count:6} x {what} at {where or '?'} ({target})")
    kinds = Counter(
        "hang" if "ang" in w else "abort" if "abort" in w else w if w == "memory" else "traceback" for w, *_ in places
    )
    said = ", ".join(f"{kinds[kind]} {kind}s" for kind in ("traceback", "hang", "abort"))
    print(f"distinct places: {said}, {kinds['memory']} of memory")
    return 1 if places else 0


if __name__ == "__main__":
    sys.exit(main())
