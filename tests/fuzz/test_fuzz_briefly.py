"""A few mutants of every kind, always the same; and whether the fuzzer would see a fault at all."""

from __future__ import annotations

import time
from pathlib import Path
from random import Random

import pytest

from fuzz import worker
from fuzz.mutations import mutate
from fuzz.run import _summary
from fuzz.seeds import SEEDS, write_seeds
from fuzz.targets import TARGETS
from maskrcnn.errors import DataError

CASES = 8  # of each target


@pytest.fixture(scope="module")
def seeds(tmp_path_factory):
    """The folder of each kind of seeds, written once."""
    made: dict[str, Path] = {}

    def of(kind: str) -> Path:
        if kind not in made:
            made[kind] = write_seeds(kind, tmp_path_factory.mktemp("seeds") / kind)
        return made[kind]

    return of


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("target", TARGETS)
def test_a_few_mutants_of_every_kind_are_read_or_refused(target, seeds, tmp_path):
    kind, read = TARGETS[target]
    for number in range(CASES):
        changed = worker._write_case(seeds(kind), tmp_path / "case", Random(f"0-{target}-{number}"))
        found = worker._run(read, tmp_path / "case")
        assert found is None, (number, changed, found)


def test_every_kind_of_seed_is_read_by_somebody():
    assert {kind for kind, _ in TARGETS.values()} == set(SEEDS)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("kind", SEEDS)
def test_seeds_are_valid_files_and_mutants_others(kind, seeds, tmp_path):
    """What is refused from the start would hide everything behind its beginning."""
    files = [path for path in seeds(kind).rglob("*") if path.is_file()]
    assert files
    changed = 0
    for k, file in enumerate(files[:20]):
        copy = tmp_path / file.name
        copy.write_bytes(file.read_bytes())
        mutate(copy, Random(k))
        changed += copy.read_bytes() != file.read_bytes()
    assert changed > 0.7 * len(files[:20])


def planted(error: BaseException):
    def read(place: Path) -> None:
        raise error

    return read


def test_a_planted_fault_is_found(tmp_path, monkeypatch):
    assert worker._run(planted(ZeroDivisionError("ours")), tmp_path)["what"] == "ZeroDivisionError"  # type: ignore[index]
    monkeypatch.setattr(worker, "SECONDS", 0.1)
    monkeypatch.setattr(worker, "MOST", 0)
    worker.signal.signal(worker.signal.SIGALRM, worker._hang)
    assert worker._run(lambda place: time.sleep(5), tmp_path)["what"] == "Hang"  # type: ignore[index]
    assert worker._run(lambda place: None, tmp_path)["what"] == "memory"  # type: ignore[index]


def test_a_sentence_is_no_finding_and_two_lines_are(tmp_path):
    from fuzz.targets import _tried

    _tried(planted(DataError("a.png is damaged.")), tmp_path)
    with pytest.raises(AssertionError, match="no sentence"):
        _tried(planted(DataError("a.png\nis damaged.")), tmp_path)


WORKER = """
import json, os, sys
first, stop = int(sys.argv[-2]), int(sys.argv[-1])
for k in range(first, stop):
    print(json.dumps({"case": k}), flush=True)
    if k == 2:
        os.abort()
    if k == 4:
        print(json.dumps({"case": k, "what": "KeyError", "where": "data/x.py:3", "said": ""}), flush=True)
"""


def test_after_an_abort_another_worker_goes_on(tmp_path, monkeypatch, capsys):
    import fuzz.run

    (tmp_path / "w.py").write_text(WORKER)
    real = fuzz.run.subprocess.Popen
    monkeypatch.setattr(
        fuzz.run.subprocess, "Popen", lambda command, **o: real([command[0], str(tmp_path / "w.py"), *command[3:]], **o)
    )
    said = list(fuzz.run.fuzz("nifti", 0, 0, 6, time.monotonic() + 60))
    assert [one["case"] for one in said if "what" not in one] == [0, 1, 2, 3, 4, 5]
    assert [(one["case"], one["what"]) for one in said if "what" in one] == [(2, "abort -6"), (4, "KeyError")]
    findings = [{"target": "nifti", **one} for one in said if "what" in one]
    assert _summary(fuzz.run.Counter(nifti=6), findings + findings) == 1
    assert "distinct places: 1 tracebacks, 0 hangs, 1 aborts, 0 of memory" in capsys.readouterr().out
