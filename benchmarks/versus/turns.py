"""Both sides of a case in turns: A B A B, so that whatever else the machine does meets both."""

from __future__ import annotations

import json
import subprocess
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

HERE = Path(__file__).resolve().parent


@dataclass
class Measured:
    """What the turns gave: seconds of each counted run by side, memory in MB, and how far the results agree."""

    seconds: dict[str, list[float]]
    cpu: dict[str, list[float]]
    peak: dict[str, float]
    torch: dict[str, str]
    threads: int
    agreement: str

    def ratios(self) -> list[float]:
        """Theirs to ours, turn by turn, in rising order."""
        return sorted(b / a for a, b in zip(self.seconds["ours"], self.seconds.get("theirs", [])))

    def save(self, path: Path) -> None:
        path.write_text(json.dumps(asdict(self)))

    @staticmethod
    def load(path: Path) -> Measured:
        return Measured(**json.loads(path.read_text()))


class Side:
    """A worker that waits for its turn."""

    def __init__(self, python: Path, case: str, side: str, result: Path) -> None:
        command = [str(python), str(HERE / "worker.py"), case, side, str(result)]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.about = self._answer()

    def run(self) -> dict[str, Any]:
        assert self.process.stdin is not None
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        return self._answer()

    def _answer(self) -> dict[str, Any]:
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        if not line:
            raise SystemExit(f"A worker ended early ({' '.join(map(str, self.process.args))}): see its message above.")
        answer: dict[str, Any] = json.loads(line)
        return answer

    def close(self) -> None:
        assert self.process.stdin is not None
        self.process.stdin.close()
        self.process.wait()


def measure(name: str, case: Any, pythons: dict[str, Path]) -> Measured:
    """Run the sides (``ours``, ``theirs`` and, in the CPU build, ``pinned``) in turns."""
    with tempfile.TemporaryDirectory() as folder:
        results = {side: Path(folder) / f"{side}.npz" for side in pythons}
        sides = {
            side: Side(python, name, "theirs" if side == "theirs" else "ours", results[side])
            for side, python in pythons.items()
        }
        runs: dict[str, list[dict[str, Any]]] = {side: [] for side in sides}
        for _ in range(case.rounds + 1):
            for side, worker in sides.items():
                runs[side].append(worker.run())
        for worker in sides.values():
            worker.close()
        found = {side: dict(np.load(path)) for side, path in results.items()}
    counted = {side: own[1:] for side, own in runs.items()}
    return Measured(
        seconds={side: [run["seconds"] for run in own] for side, own in counted.items()},
        cpu={side: [run["cpu"] for run in own] for side, own in counted.items()},
        peak={side: max(run["peak"] for run in own) for side, own in runs.items()},
        torch={side: worker.about["torch"] for side, worker in sides.items()},
        threads=sides["ours"].about["threads"],
        agreement=case.agree(found["ours"], found.get("theirs", {})),
    )
