"""Whether the close-up head is worth its time on a user's own data: trainings of equal time with and without it.

    python benchmarks/sharp.py --minutes 8
    python benchmarks/sharp.py DATA/animals --minutes 20 --every 3

Without a folder the set is composed from a seed (see plan_size.py): 10 classes of 20 to 1,000 objects, many in each
image, that no start has seen. A folder has `train` and `valid` (or `val`); `--every 3` judges on every third image.
A minute is one of this process's own CPU time, so other jobs on the machine take nothing away. Prints a line of a
Markdown table for each training.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from pathlib import Path

from plan_size import composed, hush, tell

from maskrcnn.data.dataset import Dataset
from maskrcnn.data.split import subset
from maskrcnn.evaluation.evaluate import evaluate
from maskrcnn.evaluation.mask_quality import mask_quality
from maskrcnn.inference.predictor import Predictor
from maskrcnn.jobs.training_run import TrainingRun, run_training
from maskrcnn.modalities.open import open_dataset
from maskrcnn.planning.prepare import Wish, plan_training
from maskrcnn.structures import Instances, Record
from maskrcnn.training.budget import Budget

COLUMNS = ("box/AP", "mask/AP", "mask/AP50", "mask/IoU", "mask/boundaryIoU")
NAMES = {"auto": "with close-ups", "off": "without"}


def main() -> None:
    """A table on standard output."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path, nargs="?", help="folder with train and valid or val; none: composed")
    parser.add_argument("--minutes", type=float, default=8.0, help="CPU time of each training")
    parser.add_argument("--every", type=int, default=1, help="judge on every so many-th image")
    parser.add_argument("--sharp", nargs="+", choices=tuple(NAMES), default=list(NAMES))
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        data, val = opened(args.data) if args.data else composed(Path(folder), args.seed)
        val = subset(val, list(range(0, len(val), args.every)))
        print("| training | steps | box AP | mask AP | AP50 | mean IoU | boundary IoU |\n|---|" + "---:|" * 6)
        for sharp in args.sharp:
            out = Path(folder) / sharp
            metrics = trained(data, val, out, sharp, 60 * args.minutes, args.seed)
            cells = [f"{metrics.get(name) or 0:.3f}" for name in COLUMNS]
            steps = json.loads((out / "log.jsonl").read_text().splitlines()[-1])["step"]
            print("|", " | ".join((NAMES[sharp], str(steps), *cells)), "|", flush=True)


def trained(data: Dataset, val: Dataset, out: Path, sharp: str, seconds: float, seed: int) -> dict[str, float | None]:
    """What a planned training of that CPU time comes to, judged at the end."""
    asked = {"sharp": sharp, "workers": 0, "seed": seed, "epochs": 200, "validate_every": 200}
    plan = plan_training(data, val, [], Wish(asked), hush, timed=False)
    budget = Budget(seconds, 10**6, begun=time.process_time(), validated=False, clock=time.process_time)
    run = TrainingRun(data, out, model=plan["model"], recipe=plan.recipe(), budget=budget)
    best = run_training(run, tell)
    seen: list[tuple[Record, Instances]] = []
    measured = evaluate(Predictor.load(best), val, watch=lambda record, image, found: seen.append((record, found)))
    return measured[0].metrics | mask_quality([own for own, _ in seen], [found for _, found in seen])


def opened(folder: Path) -> tuple[Dataset, Dataset]:
    """The sets to learn from and to judge on."""
    judged = next((folder / name for name in ("valid", "val") if (folder / name).is_dir()), folder / "val")
    return open_dataset(folder / "train"), open_dataset(judged)


if __name__ == "__main__":
    main()
