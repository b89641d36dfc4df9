"""Labels of whole files whose deciding parts are known: these are used for scoring alone.

    python benchmarks/whole_files.py dna DATA/dna --out runs/whole/dna-0 --seed 0      # or --shuffled
    python benchmarks/whole_files.py speech DATA/spoken_digits --out runs/whole/speech-0 --seed 0
    python benchmarks/whole_files.py photos DATA/coco --out runs/whole/photos
    python benchmarks/whole_files.py judge runs/whole/dna-0 --model runs/whole/dna-0/model/best.safetensors

The first three write ``train/``, ``test/``, ``labels.csv`` for both and ``parts.json``; ``make whole-files``
trains with ``maskrcnn train`` in between. The last looks for parts in ``test/`` and compares them with ``parts.json``:
of recordings the average precision at an IoU of 0.5, beside a block in the middle of each file and the evidence
map of ``--explain`` (gradient times sample under random fading) of the same model; of photos the pointing game,
beside the centre.
"""

from __future__ import annotations

import argparse
import csv
import json
import re
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from maskrcnn.data.transforms.regrid import whole_file
from maskrcnn.evaluation.whole import auc
from maskrcnn.inference.predictor import Predictor
from maskrcnn.inference.whole_extent import parts_in
from maskrcnn.inference.whole_parts import whole_evidence_of
from maskrcnn.jobs.compose import LOUDNESS, find_clips, prepare_clip
from maskrcnn.modalities.images.read.pictures import read_image
from maskrcnn.modalities.open import open_dataset
from maskrcnn.modalities.signals.read import read_signal
from maskrcnn.modalities.whole_files import open_whole_files
from maskrcnn.models.head import heads_of

HALVES, GAPS = ("TGACGTCAGC", "CCATTGGCAA"), (4, 16)  # of the planted motif, and bases between them
PIECE, HELD = 300, 120_000  # bases of a file; test files are cut from behind this base
DIGITS = ("seven", "five", "zero")  # by seed: the label is whether it is said
SECONDS, SPOKEN, TIMES = 60.0, 24, (1, 4)  # of a recording, digits in it, and how often the one of the label is said
STRANGER = "yweweler"  # the speaker of the test recordings
FADES, PATCHES, RESAMPLINGS = 8, 32, 2000

Spans = dict[str, list[tuple[float, float]]]


def write_rows(out: Path, column: str, rows: Sequence[tuple[str, str]], parts: dict[str, object]) -> None:
    """``labels.csv`` and ``parts.json``."""
    with (out / "labels.csv").open("w", newline="") as file:
        csv.writer(file).writerows([("file", column), *rows])
    (out / "parts.json").write_text(json.dumps(parts))


def dna(data: Path, out: Path, seed: int, shuffled: bool) -> None:
    """Pieces of a genome; half of them have a motif of two halves with a gap that varies, half of all a single half."""
    text = (data / "NC_000932.gb").read_text().split("ORIGIN")[1]
    genome = "".join(re.findall("[acgt]+", text)).upper()
    random = np.random.default_rng(seed)
    rows, parts = [], {}
    for split, count, low, high in (("train", 600, 0, HELD - 10_000), ("test", 200, HELD, len(genome))):
        (out / split).mkdir(parents=True)
        for k in range(count):
            start = int(random.integers(low, high - PIECE))
            bases, spans = list(genome[start : start + PIECE]), []
            for _ in range(int(random.integers(1, 3)) if k % 2 else 0):
                gap, at = int(random.integers(*GAPS)), int(random.integers(0, PIECE - 40))
                if all(abs(at - other) > 60 for other, _ in spans):
                    bases[at : at + 10], bases[at + 10 + gap : at + 20 + gap] = HALVES
                    spans.append((at, at + 20 + gap))
            at = int(random.integers(0, PIECE - 12))
            if random.random() < 0.5 and all(abs(at - other) > 60 for other, _ in spans):
                bases[at : at + 10] = HALVES[int(random.integers(2))]
            name = f"{split}/piece_{random.integers(10**9):09d}.fasta"
            (out / name).write_text(f">{Path(name).stem}\n{''.join(bases)}\n")
            rows.append((name, str(k % 2)))
            parts[name] = spans
    if shuffled:
        labels = [label for _, label in rows]
        random.shuffle(labels)
        rows = [(name, label) for (name, _), label in zip(rows, labels)]
    write_rows(out, "motif", rows, parts)


def speech(data: Path, out: Path, seed: int, shuffled: bool) -> None:
    """A minute of spoken digits a file; in half of them one digit occurs. The speaker of the test files is unheard."""
    import soundfile

    word, random = DIGITS[seed % len(DIGITS)], np.random.default_rng(seed)
    rows, parts = [], {}
    clips: dict[str, dict[str, list[np.ndarray]]] = {}
    for clip in find_clips(data):
        signal = read_signal(clip.path)
        wave = prepare_clip(signal.samples, signal.rate, signal.rate)
        clips.setdefault(clip.speaker, {}).setdefault(clip.name, []).append(wave)
    rate = 8000
    heard = [speaker for speaker in sorted(clips) if speaker != STRANGER]
    for split, count, speakers in (("train", 240, heard), ("test", 40, [STRANGER])):
        (out / split).mkdir(parents=True)
        for k in range(count):
            own = clips[speakers[k // 2 % len(speakers)]]
            others = [name for name in sorted(own) if name != word]
            said = [others[int(random.integers(len(others)))] for _ in range(SPOKEN)]
            for at in random.choice(SPOKEN, int(random.integers(*TIMES)), replace=False) if k % 2 else ():
                said[at] = word
            waves = [own[name][int(random.integers(len(own[name])))] for name in said]
            silence = SECONDS * rate - sum(map(len, waves))
            gaps = random.dirichlet(np.full(SPOKEN + 1, 2.0)) * max(silence, 0)
            wave, at, spans = np.zeros(int(SECONDS * rate)), 0.0, []
            for name, gap, clip_wave in zip(said, gaps, waves):
                at += gap
                first = int(at)
                end = min(first + len(clip_wave), len(wave))
                wave[first:end] += clip_wave[: end - first] * 10 ** (random.uniform(-6, 6) / 20)
                spans += [(first, end)] if name == word else []
                at = end
            wave += random.standard_normal(len(wave)) * LOUDNESS * 10 ** (-random.uniform(15, 35) / 20)
            name = f"{split}/take_{random.integers(10**9):09d}.wav"
            soundfile.write(out / name, wave / max(np.abs(wave).max() / 0.95, 1), rate, subtype="PCM_16")
            rows.append((name, str(k % 2)))
            parts[name] = spans
    write_rows(out, word, rows, parts)


def photos(data: Path, out: Path, seed: int, shuffled: bool) -> None:
    """Which of COCO's 80 classes are in a photo; their masks are known."""
    rows: list[tuple[str, str]] = []
    for split, name in (("train", "train"), ("test", "val")):
        labelled = open_dataset(data / f"annotations/coco80_{name}.json")
        (out / split).mkdir(parents=True)
        for record in labelled:
            file = f"{split}/{Path(record.source).name}"
            shutil.copy(record.source, out / file)
            names = sorted({labelled.class_names[label - 1] for label in record.labels.tolist()})
            rows.append((file, ";".join(names)))
    write_rows(out, "label", rows, {"labels": str(data / "annotations/coco80_val.json")})


def average_precision(found: Sequence[tuple[float, str, float, float]], true: Spans) -> float:
    """AP at an IoU of 0.5 over all recordings.

    Args:
        found: score, file, first sample, sample behind the last.
        true: of each file.

    Returns:
        0..1: the area under the curve of the best precision at each recall or more.
    """
    total, used, hits = sum(map(len, true.values())), set(), []
    for _, file, a, b in sorted(found, reverse=True):
        overlaps = [(max(min(b, d) - max(a, c), 0) / (max(b, d) - min(a, c)), j) for j, (c, d) in enumerate(true[file])]
        free = [(iou, j) for iou, j in overlaps if iou >= 0.5 and (file, j) not in used]
        hits.append(bool(free))
        used |= {(file, max(free)[1])} if free else set()
    precision = np.cumsum(hits) / np.arange(1, len(hits) + 1)
    best = np.maximum.accumulate(precision[::-1])[::-1] if len(hits) else precision
    return float((best * np.array(hits, dtype=float)).sum() / max(total, 1))


def evidence_map(predictor: Predictor, image: Tensor, spacing: Sequence[float] | None) -> np.ndarray:
    """Gradient times sample of the first label's logit, over versions faded in patches, ``[T]`` of the file."""
    batch, _ = predictor.prepare(whole_file(image, predictor.preprocess), spacing)
    head, random = heads_of(predictor.model)["whole"], np.random.default_rng(0)
    length, total = batch.spatial_shapes[0][0], 0.0
    for k in range(FADES):
        faded = torch.from_numpy(
            (random.random(-(-batch.tensor.shape[-1] // PATCHES)) < (k + 0.5) / FADES).astype(np.float32)
        )
        x = (batch.tensor * faded.repeat_interleave(PATCHES)[: batch.tensor.shape[-1]]).requires_grad_()
        scores, attention = head(head.hidden(predictor.model.backbone(x)))
        logit = (attention[0, 0].softmax(-1) * scores[0, 0]).sum()
        total = total + (torch.autograd.grad(logit, x)[0] * x).detach().sum(1)[0, :length].numpy()
    smooth = np.convolve(total, np.ones(9) / 9, "same")
    return np.interp(np.linspace(0, length - 1, image.shape[-1]), np.arange(length), smooth)


def stretches(values: np.ndarray) -> list[tuple[float, float, float]]:
    """Score, first sample and sample behind the last of what is at least half as high as the highest."""
    on = np.flatnonzero(np.diff(np.concatenate([[0], values >= max(values.max() / 2, 1e-9), [0]])))
    return [(float(values[a:b].max()), a, b) for a, b in zip(on[::2], on[1::2])]


def judge_recordings(folder: Path, predictor: Predictor) -> dict[str, float]:
    """AP at an IoU of 0.5 of the parts and of the baselines, and the AUC of the files."""
    data = open_whole_files([folder / "test"], str(folder / "labels.csv"), fewest=1)
    true: Spans = {Path(name).name: own for name, own in json.loads((folder / "parts.json").read_text()).items()}
    true = {record.file_name: true[record.file_name] for record in data}
    long = float(np.median([b - a for spans in true.values() for a, b in spans]))
    found: dict[str, list[tuple[float, str, float, float]]] = {
        "parts": [],
        "evidence map": [],
        "block in the middle": [],
    }
    told, labels = [], []
    for record in data:
        image, name = data.read_image(record), record.file_name
        plain = predictor(image, record.spacing)
        own = whole_evidence_of(plain)
        assert own is not None and record.file_labels is not None
        probability = float(own.answer()[0])
        told.append(probability)
        labels.append(record.file_labels[0] == 1)
        parts = parts_in(predictor, image, record.spacing, plain)
        for box, score, share in zip(parts.boxes.tolist(), parts.scores.tolist(), parts.outputs.get("share", [])):
            found["parts"] += [(score, name, *box)] if share > 0 else []
        if probability >= 0.5:
            middle = image.shape[-1] / 2
            found["block in the middle"].append((probability, name, middle - long / 2, middle + long / 2))
            found["evidence map"] += [
                (s, name, a, b) for s, a, b in stretches(evidence_map(predictor, image, record.spacing))
            ]
    scores = {f"AP50, {what}": average_precision(own, true) for what, own in found.items()}
    return {"files": len(data), "AUC of the files": auc(np.array(told), np.array(labels)) or 0.5, **scores}


def judge_photos(folder: Path, predictor: Predictor) -> dict[str, object]:
    """The pointing game: is the strongest place of a label on an object of it? Beside the centre of the photo."""
    labelled = open_dataset(Path(json.loads((folder / "parts.json").read_text())["labels"]))
    ours, centre, told, true = [], [], [], []
    for record in labelled:
        image = read_image(record.source)
        own = whole_evidence_of(predictor(image))
        assert own is not None and record.regions is not None
        strengths, shape = own.contributions()[0], image.shape[1:]
        there = {labelled.class_names[label - 1] for label in record.labels.tolist()}
        told.append(own.answer().numpy())
        true.append([name in there for name in predictor.class_names])
        of_photo: list[tuple[bool, bool]] = []
        for label, name in enumerate(predictor.class_names):
            if name not in there:
                continue
            mask = np.zeros(shape, dtype=bool)
            for i in np.flatnonzero(record.labels == labelled.class_names.index(name) + 1):
                mask |= record.regions.mask(int(i))
            place = np.unravel_index(int(strengths[label].argmax()), strengths.shape[1:])
            at = tuple(min(int((p + 0.5) * c), side - 1) for p, c, side in zip(place, own.cell, shape))
            of_photo.append((bool(mask[at]), bool(mask[shape[0] // 2, shape[1] // 2])))
        ours.append([a for a, _ in of_photo])
        centre.append([b for _, b in of_photo])
    aucs = [auc(np.array(told)[:, k], np.array(true)[:, k]) for k in range(len(predictor.class_names))]
    return {
        "photos": len(ours),
        "labels": sum(map(len, ours)),
        "mean AUC": float(np.mean([value for value in aucs if value is not None])),
        "pointing game": resampled(ours, lambda rows: np.mean(sum(rows, []))),
        "pointing game, centre": resampled(centre, lambda rows: np.mean(sum(rows, []))),
        "difference": resampled([list(zip(a, b)) for a, b in zip(ours, centre)], _difference),
    }


def _difference(rows: list[list[tuple[bool, bool]]]) -> float:
    pairs = np.array(sum(rows, []), dtype=float).reshape(-1, 2)
    return float((pairs[:, 0] - pairs[:, 1]).mean())


def resampled(rows: list[list[object]], measure: Callable[[list[list[object]]], float]) -> list[float]:
    """The measure, and its 95 % interval over photos drawn again."""
    rows, random = [row for row in rows if row], np.random.default_rng(0)
    drawn = [measure([rows[k] for k in random.integers(0, len(rows), len(rows))]) for _ in range(RESAMPLINGS)]
    low, high = np.percentile(drawn, (2.5, 97.5))
    return [round(float(value), 3) for value in (measure(rows), low, high)]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("dna", "speech", "photos", "judge"))
    parser.add_argument("folder", type=Path, help="the data, or what is judged")
    parser.add_argument("--out", type=Path)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--shuffled", action="store_true")
    parser.add_argument("--model", type=Path)
    args = parser.parse_args()
    if args.what != "judge":
        {"dna": dna, "speech": speech, "photos": photos}[args.what](args.folder, args.out, args.seed, args.shuffled)
        return
    predictor = Predictor.load(args.model)
    pictures = predictor.info.notes.get("kind", "image") == "image"
    results = (judge_photos if pictures else judge_recordings)(args.folder, predictor)
    print(json.dumps({"folder": str(args.folder), **results}), flush=True)


if __name__ == "__main__":
    main()
