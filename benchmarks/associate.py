"""Planted effects in real scans: are they found where they are, is an effect of age alone left alone, and how often is
anything found for labels that were permuted?

python benchmarks/associate.py HIPPOCAMPUS      # the folder with train/images and train/labels

Intensity: a ball in the front part of the hippocampus grows brighter with a hidden cause, of which the score is a noisy
measure; another ball grows brighter with age, which goes along with the cause. Volume: the front part grows with the
cause, and the scans are its own label volumes. Everything else is as it was scanned.
"""

from __future__ import annotations

import argparse
import csv
import tempfile
from collections.abc import Sequence
from pathlib import Path

import nibabel
import numpy as np
from scipy import ndimage

from maskrcnn.association.analysis import Question, analyse
from maskrcnn.association.values import Values
from maskrcnn.jobs.association.associate import associate
from maskrcnn.jobs.association.labels import known_files
from maskrcnn.jobs.association.options import AssociateOptions
from maskrcnn.jobs.association.samples import Reader, middle_cuts, read_samples
from maskrcnn.jobs.events import tell_nobody
from maskrcnn.modalities.volumes.aligned import files

FRONT, BALL = 1, 4.5  # the label of the front part; the radius of a ball in voxels
SECOND = (0, -14, 0)  # from the middle of the front part to that of the ball that goes with age, in voxels
BRIGHTER, AGED = 0.5, 1.0  # deviations of a scan for each deviation of the cause, and of age
GROWN, SMOOTH = 1.2, 4.0  # voxels for each deviation of the cause; FWHM in mm of the maps of volume
TOGETHER = 0.6  # correlation of age with the cause


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--scans", type=int, default=100)
    parser.add_argument("--permutations", type=int, default=200)
    parser.add_argument("--labels", type=int, default=100, help="permuted labels, one test each")
    parser.add_argument("--seed", type=int, default=0)
    chosen = parser.parse_args()
    images = sorted((chosen.data / "train" / "images").glob("*.nii.gz"))[: chosen.scans]
    with tempfile.TemporaryDirectory() as folder:
        run(images, chosen, Path(folder))


def run(images: Sequence[Path], chosen: argparse.Namespace, folder: Path) -> None:
    random = np.random.default_rng(chosen.seed)
    cause = random.normal(size=len(images))
    age = 65 + 8 * (TOGETHER * cause + (1 - TOGETHER**2) ** 0.5 * random.normal(size=len(images)))
    score = 100 + 10 * (cause + 0.5 * random.normal(size=len(images)))
    labels = images[0].parents[1] / "labels"
    for name in ("images", "volume"):
        (folder / name).mkdir()
    with (folder / "behaviour.csv").open("w", newline="") as file:
        table = csv.writer(file)
        table.writerow(["file", "score", "age"])
        for path, *row in zip(images, score, age):
            table.writerow([path.name, *(f"{value:.4f}" for value in row)])
    truth: dict[str, np.ndarray] = {}
    changes = {
        path: plant(path, labels / path.name, folder, (own, (years - 65) / 8), truth)
        for path, own, years in zip(images, cause, age)
    }
    cuts = middle_cuts(files, images, lambda path: folder / "volume" / path.name, tell_nobody)
    places = {path: tuple(reversed(cut)) for path, cut in cuts.items()}  # nibabel's axes are x, y, z
    moved = sum(ndimage.gaussian_filter(changes[path][place], SMOOTH / 2.355) for path, place in places.items())
    surface = np.abs(moved) >= np.abs(moved).max() / 4  # where the mean changes by a quarter of the most
    shared = {"labels": folder / "behaviour.csv", "by": "score", "permutations": chosen.permutations}
    ways = (
        ("volume", {"smooth": SMOOTH, "align": folder / "volume"}),
        ("intensity", {"standardise": True, "align": labels}),
    )
    for name, more in ways:
        for correct in ("clusters", "tfce", "voxels", "fdr"):
            asked = AssociateOptions(
                (folder / ("images" if name == "intensity" else "volume"),),
                **shared,
                **more,
                adjust=("age",),
                out=folder / f"{name}-{correct}",
                correct=correct,
            )
            outcome = associate(asked)
            found = nibabel.load(asked.out / "regions.nii.gz")
            inside = np.asarray(found.dataobj) > 0
            planted = surface if name == "volume" else in_space(truth[name], found, images[0])
            both = 2 * (inside & planted).sum() / max(inside.sum() + planted.sum(), 1)
            wrong = ""
            if name == "intensity":
                of_age = in_space(truth["age"], found, images[0])
                wrong = f", {int((inside & of_age).sum())} of {int(of_age.sum())} voxels of the ball of age found"
            print(f"{name}, {correct}: {outcome.found} regions, Dice {both:.3f}{wrong}", flush=True)
    asked = AssociateOptions(
        (folder / "images",), **shared, align=labels, standardise=True, out=folder / "unadjusted", correct="clusters"
    )
    associate(asked)
    found = nibabel.load(asked.out / "regions.nii.gz")
    of_age = in_space(truth["age"], found, images[0])
    inside = np.asarray(found.dataobj) > 0
    print(
        f"intensity without --adjust age: {int((inside & of_age).sum())} of {int(of_age.sum())} voxels of the ball of "
        "age found",
        flush=True,
    )
    measured = AssociateOptions(
        (folder / "images",),
        labels=folder / "behaviour.csv",
        by="score",
        adjust=("age",),
        standardise=True,
        regions=folder / "grown",
        out=folder / "measures",
        permutations=chosen.permutations,
    )
    for line in associate(measured).lines:
        print(f"measures of the grown labels: {line}", flush=True)
    chance(folder, chosen, random)


def plant(
    path: Path, label_path: Path, folder: Path, causes: tuple[float, float], truth: dict[str, np.ndarray]
) -> np.ndarray:
    """Write a scan with brighter balls, and its front part grown; keep where the balls are in the first scan.

    Returns:
        By how much each voxel changes when the front part grows from one deviation below the mean to one above.
    """
    scan, labels = nibabel.load(path), np.asarray(nibabel.load(label_path).dataobj)
    own = np.asarray(scan.dataobj, dtype=np.float32)
    middle = np.argwhere(labels > 0).mean(axis=0).round()
    places = np.stack(np.indices(own.shape), axis=-1) - middle
    front, scale = np.array([0, 9, 0]), own.std()
    for name, offset, size in (("intensity", front, BRIGHTER * causes[0]), ("age", front + SECOND, AGED * causes[1])):
        ball = np.linalg.norm(places - offset, axis=-1) <= BALL
        own = own + size * scale * ball
        truth.setdefault(name, ball)
    nibabel.save(nibabel.Nifti1Image(own.astype(np.float32), scan.affine), folder / "images" / path.name)
    part = labels == FRONT
    distance = ndimage.distance_transform_edt(~part) - ndimage.distance_transform_edt(part)
    grown = distance <= GROWN * causes[0]
    nibabel.save(nibabel.Nifti1Image(grown.astype(np.uint8), scan.affine), folder / "volume" / path.name)
    (folder / "grown").mkdir(exist_ok=True)
    new = np.where(grown, FRONT, np.where(labels == FRONT, 0, labels)).astype(np.uint8)
    nibabel.save(nibabel.Nifti1Image(new, scan.affine), folder / "grown" / path.name)
    return (distance <= GROWN).astype(np.float32) - (distance <= -GROWN)


def in_space(truth: np.ndarray, found: nibabel.Nifti1Image, first: Path) -> np.ndarray:
    """A map on the first scan's voxels, cut as the result is."""
    start = np.linalg.inv(nibabel.load(first).affine) @ found.affine[:, 3]
    low = start[:3].round().astype(int)
    return truth[tuple(slice(int(a), int(a + side)) for a, side in zip(low, found.shape))]


def chance(folder: Path, chosen: argparse.Namespace, random: np.random.Generator) -> None:
    """Permute the scores and count in how many tests any region is found."""
    options = AssociateOptions(
        (folder / "images",), folder / "behaviour.csv", "score", ("age",), standardise=True, align=folder / "grown"
    )
    paths = sorted((folder / "images").iterdir())
    known = known_files(options, paths, lambda path: path.name.removesuffix(".nii.gz"))
    cuts = middle_cuts(files, known.paths, lambda path: folder / "grown" / path.name, tell_nobody)
    read, values = read_samples(Reader(files, options, cuts), known.paths, folder, tell_nobody)
    samples = values.array.copy()
    counts = dict.fromkeys(("clusters", "voxels", "fdr"), 0)
    for number in range(chosen.labels):
        cells = {**known.cells, "score": tuple(random.permutation(known.cells["score"]).tolist())}
        design = type(known)(known.paths, known.by, cells, (), (), options).design(read.kept)
        for correct in counts:
            with Values(*samples.shape, folder) as own:
                own.array[:] = samples
                question = Question(correct, permutations=chosen.permutations, seed=number)
                counts[correct] += bool(analyse(own, read.maps, design, question).parts)
    for correct, count in counts.items():
        print(f"{correct}: {count} of {chosen.labels} permuted labels have a region at p 0.05", flush=True)


if __name__ == "__main__":
    main()
