"""How well the parts that ``maskrcnn fuse`` takes of songs are those that are known to appeal, and how its cuts are.

    maskrcnn compose songs runs/songs/train --count 100 --seed 0
    maskrcnn compose songs runs/songs/test --count 48 --seed 1
    maskrcnn train runs/songs/train/songs --labels runs/songs/train/labels.csv --out runs/songs/model
    python benchmarks/songs.py runs/songs/test --model runs/songs/model/best.safetensors    # make songs: all four

Songs of the test set that appeal are judged one by one: does at least half of the part that speaks most for the label
lie in sections that appeal? Beside it stand a part as long in the middle of the song, and one anywhere, as probability.
Then they are fused, six at a time: how far cuts lie from true beats, and how many dB louder the three seconds behind a
crossfade are than the three before it. Where the songs' sections and beats lie is used for scoring alone.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from pathlib import Path

import numpy as np

from maskrcnn.inference.predictor import Predictor
from maskrcnn.jobs.songs.fuse import fuse, judge
from maskrcnn.jobs.songs.options import FuseOptions

SONGS, LENGTH = 6, "2m"  # of a mix
HALF = 0.5
STEP = 0.05  # seconds between the places of a part anywhere


def inside(truth: dict[str, object], start: float, stop: float) -> float:
    """The part of a stretch that lies in sections that appeal, 0..1."""
    best = [(own["from"], own["to"]) for own in truth["sections"] if own["appeals"]]  # type: ignore[attr-defined]
    return sum(max(min(stop, b) - max(start, a), 0.0) for a, b in best) / (stop - start)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, help="made by maskrcnn compose songs")
    parser.add_argument("--model", type=Path, required=True)
    args = parser.parse_args()
    truths = json.loads((args.folder / "songs.json").read_text())["songs"]
    names = [name for name, own in truths.items() if own["appeal"]]
    predictor = Predictor.load(args.model)
    chosen, middle, anywhere, tempi, keys = [], [], [], [], []
    for name in names:
        own, truth = judge(predictor, args.folder / name, 1), truths[name]
        bars, best = own.heard.downbeats, own.phrases[0]
        start, long = float(bars[best.first]), float(bars[best.stop] - bars[best.first])
        chosen.append(inside(truth, start, start + long) >= HALF)
        half = truth["seconds"] / 2
        middle.append(inside(truth, half - long / 2, half + long / 2) >= HALF)
        places = np.arange(0, truth["seconds"] - long, STEP)
        anywhere.append(float(np.mean([inside(truth, at, at + long) >= HALF for at in places])))
        tempi.append(abs(own.heard.tempo / truth["tempo"] - 1) < 0.01)
        keys.append(own.heard.key == truth["key"])
    off, steps, seconds, right = [], [], [], []
    for first in range(0, len(names) - SONGS + 1, SONGS):
        inputs = tuple(args.folder / name for name in names[first : first + SONGS])
        with tempfile.TemporaryDirectory() as folder:
            done = fuse(FuseOptions(inputs, str(args.model), Path(folder) / "mix.wav", LENGTH))
        for row in done.rows:
            truth = truths[f"songs/{row.source.name}"]
            beats = np.array(truth["beats"])
            off += [float(np.abs(beats - at).min()) for at in (row.part.start, row.part.stop)]
            right.append(inside(truth, row.part.start, row.part.stop) >= HALF)
        steps += [abs(step) for step in done.steps]
        seconds.append(round(done.seconds, 1))
    print(
        json.dumps(
            {
                "songs that appeal": len(names),
                "best part appeals": round(float(np.mean(chosen)), 3),
                "a block in the middle": round(float(np.mean(middle)), 3),
                "a part anywhere": round(float(np.mean(anywhere)), 3),
                "parts of mixes that appeal": round(float(np.mean(right)), 3),
                "mixes": seconds,
                "cuts": len(off),
                "cuts within 30 ms of a beat": round(float(np.mean(np.array(off) < 0.03)), 3),
                "farthest cut, ms": round(1000 * max(off), 1),
                "largest step in loudness, dB": round(max(steps), 2),
                "tempo within 1 %": round(float(np.mean(tempi)), 3),
                "key": round(float(np.mean(keys)), 3),
            }
        ),
        flush=True,
    )


if __name__ == "__main__":
    main()
