"""Two versions of the package against each other: python benchmarks/trees.py BEFORE [--rounds 5]

BEFORE is a commit of this repository, which is checked out for as long as the comparison lasts, or the ``src`` folder
of another version; this one's own is the other. Each run is a process of its own, in turns (A B B A ...), and prints
the seconds of one job without loading:

    inference   ResNet-50-FPN with random weights, one image of 800 x 1067 px, pixels to masks
    training    a training step of it, two images of 512 px
    predict     `maskrcnn predict --model people` on the example photos, files to files, loading included

The table has both medians and the ratio after / before. Run it on a machine that does nothing else.

Jobs take names from the package's public face, which stays, and from modules that had the same address in 0.8.0.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

OWN = Path(__file__).resolve().parents[1] / "src"
Job = Callable[[], object]


def inference() -> Job:
    import torch

    from maskrcnn import ModelInfo, Predictor, mask_rcnn_resnet50_fpn

    torch.manual_seed(0)
    model = mask_rcnn_resnet50_fpn(80)
    predictor = Predictor(model, ModelInfo(model.config, tuple(map(str, range(80)))))
    image = torch.randint(0, 256, (3, 800, 1067), dtype=torch.uint8)
    return lambda: predictor(image)


def training() -> Job:
    import torch

    from maskrcnn import FitConfig, mask_rcnn_resnet50_fpn
    from maskrcnn.data.synthetic import synthetic_samples
    from maskrcnn.losses.objective import Objective
    from maskrcnn.training.step import train_step

    torch.manual_seed(0)
    objective = Objective(mask_rcnn_resnet50_fpn(2))
    optimizer = torch.optim.SGD(objective.parameters(), lr=1e-6)
    samples = synthetic_samples(2, 2, (512, 512))
    return lambda: train_step(objective, optimizer, samples, FitConfig(batch_size=2), 0, "cpu")


def predict() -> Job:
    import maskrcnn

    photos = Path(maskrcnn.__file__).parent / "examples" / "photos"
    command = [sys.executable, "-m", "maskrcnn", "predict", str(photos), "--model", "people", "--out"]

    def run() -> None:
        with tempfile.TemporaryDirectory() as folder:
            subprocess.run([*command, folder], check=True, stdout=subprocess.DEVNULL)

    return run


JOBS: dict[str, Callable[[], Job]] = {"inference": inference, "training": training, "predict": predict}


def seconds_of(name: str) -> float:
    """The faster of two runs of a job after one that does not count."""
    job = JOBS[name]()
    job()
    times = []
    for _ in range(2):
        start = time.perf_counter()
        job()
        times.append(time.perf_counter() - start)
    return min(times)


def in_a_process(name: str, source: Path) -> float:
    environment = os.environ | {"PYTHONPATH": str(source)}
    command = [sys.executable, __file__, str(source), "--job", name]
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"{name} cannot be run in {source}:\n{done.stderr}")
    return float(done.stdout.split()[-1])


@contextmanager
def source_of(before: str) -> Iterator[Path]:
    """The ``src`` folder that ``before`` names; that of a commit is there until the block ends."""
    if (Path(before) / "maskrcnn").is_dir():
        yield Path(before).resolve()
        return
    with tempfile.TemporaryDirectory() as folder:
        tree, git = Path(folder) / "tree", ["git", "-C", str(OWN.parent), "worktree"]
        try:
            added = subprocess.run([*git, "add", "--quiet", "--detach", str(tree), before], stderr=subprocess.PIPE)
            if added.returncode:
                sys.exit(f"{before} is neither a src folder with maskrcnn in it nor a commit: {added.stderr.decode()}")
            yield tree / "src"
        finally:
            subprocess.run([*git, "remove", "--force", str(tree)], stderr=subprocess.DEVNULL)


def check_source(source: Path) -> None:
    """Stop where another version would be measured than is asked for."""
    import maskrcnn

    if not Path(maskrcnn.__file__).resolve().is_relative_to(source.resolve()):
        sys.exit(f"{maskrcnn.__file__} was imported, which does not lie in {source}")


def compare(before: Path, rounds: int) -> None:
    """Print both medians of each job, and their ratio."""
    print(f"{'job':<12}{'before s':>10}{'after s':>10}{'ratio':>8}", flush=True)
    for name in JOBS:
        times: dict[Path, list[float]] = {before: [], OWN: []}
        for number in range(rounds):
            for source in list(times)[:: 1 if number % 2 == 0 else -1]:
                times[source].append(in_a_process(name, source))
        medians = [statistics.median(own) for own in times.values()]
        print(f"{name:<12}{medians[0]:>10.3f}{medians[1]:>10.3f}{medians[1] / medians[0]:>8.3f}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("before", help="a commit, or the src folder of another version")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--job", choices=JOBS, help="used by the runs themselves")
    flags = parser.parse_args()
    if flags.job:
        check_source(Path(flags.before))
        print(seconds_of(flags.job))
        return
    with source_of(flags.before) as before:
        compare(before, flags.rounds)


if __name__ == "__main__":
    main()
