"""Ours and torchvision's in one environment, in turns: ``python benchmarks/versus [CASE ...]``, ``make bench``.

Makes ``.bench-venv`` with torchvision where it is absent, runs each case there (torchvision, ours, torchvision, ours,
...; each side a process of its own, two threads) and writes ``benchmarks/results.md``. What is measured is kept in
``runs/bench`` until the table is written, so a run that was stopped goes on where it was. With names of cases only
those are measured and printed, and nothing is written. ``--threads 1`` for other numbers of threads.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
KEPT, TABLE = ROOT / "runs" / "bench", ROOT / "benchmarks" / "results.md"


def enter_environment() -> None:
    """Go on in the reference environment."""
    from environment import FOLDER, reference_environment

    if Path(sys.prefix).resolve() != FOLDER.resolve():
        command = [str(reference_environment()), str(Path(__file__).parent), *sys.argv[1:]]
        sys.exit(subprocess.run(command).returncode)


def compare(names: list[str], keep: bool) -> None:
    """Measure the cases and print their lines; with ``keep``, use and leave what ``runs/bench`` holds."""
    from environment import cpu_build
    from table import HEAD, line
    from turns import Measured, measure

    from cases import all_cases

    cases, inside, pinned = all_cases(), Path(sys.executable), cpu_build()
    KEPT.mkdir(parents=True, exist_ok=True)
    print(HEAD, flush=True)
    for name in names:
        path, case = KEPT / f"{name}.json", cases[name]
        if keep and path.exists():
            measured = Measured.load(path)
        else:
            pythons = {"ours": inside} | ({"theirs": inside} if case.theirs else {})
            pythons |= {"pinned": pinned} if pinned else {}
            measured = measure(name, case, pythons)
            if keep:
                measured.save(path)
        print(line(case, measured), flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("cases", nargs="*", metavar="CASE")
    parser.add_argument("--threads", type=int, default=2)
    asked = parser.parse_args()
    os.environ["OMP_NUM_THREADS"] = str(asked.threads)
    enter_environment()
    from cases import all_cases

    names = list(all_cases())
    unknown = [name for name in asked.cases if name not in names]
    if unknown:
        parser.error(f"no case {unknown[0]!r}; there are {', '.join(names)}")
    compare(asked.cases or names, keep=not asked.cases)
    if not asked.cases:
        from table import page
        from turns import Measured

        measured = {name: Measured.load(KEPT / f"{name}.json") for name in names}
        TABLE.write_text(page(all_cases(), measured))
        shutil.rmtree(KEPT)
        print(f"Written to {TABLE.relative_to(ROOT)}")


if __name__ == "__main__":
    main()
