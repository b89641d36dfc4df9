"""How many actions a set of photos takes to label in the studio, by hand alone and with the model that it trains.

    python benchmarks/labelling.py DATA [--photos 20] [--first 8] [--time 2m]

DATA is a folder of photos with COCO json, such as Roboflow exports. A hand that knows the true outlines works on the
page in a real Chromium, in an empty folder to which only the photos were copied. By hand it clicks polygons, each of
the fewest corners that cover the object well. With the model it draws a rough box around each object of the first
photos, corrects with the brush what the model colours, trains in the page, and goes on with what the new model
proposes. Every place that the pointer is aimed at counts, the corners of a stroke and both ends of a box too, and so
does every key but those that type the names of the classes.
"""

from __future__ import annotations

import argparse
import json
import shutil
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from hands import BUSY, GOOD, Hand, Thing, best_stroke, fewest_corners, filled, inner_point, overlap, pixels, sizes
from playwright.sync_api import Browser, sync_playwright

from maskrcnn.modalities.open import open_dataset
from studio import CHROMIUM, show, studio, until

POOR = 0.7  # overlap below which the hand draws an object anew
LIKE = 0.5  # overlap from which on a proposal is meant for an object
GAIN = 0.01  # overlap that a further stroke must bring
STROKES = 4  # most for one object
ROUGH = 0.03  # of a box's sides: how far a rough one is beside the object
LOW_SCORE = 0.25  # at which the slider is put once
LONGEST = 7200.0  # seconds of a training
ENDED = "/finished|failed|stopped/i.test(document.querySelector('#training-state').textContent)"
BEST = """import('/page/draw/masks.js').then((m) => studio.store.shownProposals().slice(0, 1)
.map((one) => ({ mask: one.mask && m.toRuns(one.mask), parts: one.parts })))"""


def choose(hand: Hand, names: Sequence[str], thing: Thing) -> None:
    if hand.page.evaluate("studio.store.className") != thing.name:
        hand.key(str(names.index(thing.name) + 1))


def polygon(hand: Hand, names: Sequence[str], thing: Thing) -> None:
    hand.key("Escape", "p")
    choose(hand, names, thing)
    for corner in fewest_corners(thing):
        hand.stroke([corner])
    hand.key("Enter")
    hand.settled()


def boxed(hand: Hand, names: Sequence[str], thing: Thing) -> None:
    """A rough box around an object, which the model colours."""
    hand.key("Escape", "a")
    choose(hand, names, thing)
    low, high = thing.ring.min(0), thing.ring.max(0)
    off = hand.rng.uniform(-ROUGH, ROUGH, (2, 2)) * (high - low)
    hand.stroke(np.clip([low + off[0], high + off[1]], 0, thing.mask.shape[::-1]).tolist())
    hand.wait(f"{BUSY} || studio.store.selected !== null")
    hand.settled()


def correct(hand: Hand, names: Sequence[str], thing: Thing, number: int) -> None:
    """Strokes on the object that is chosen until the hand is content; where they do not help, a polygon."""
    for _ in range(STROKES):
        mask = next(one["pixels"] for one in hand.objects() if one["id"] == number)
        now = overlap(mask, thing.mask)
        size = float(hand.page.evaluate("studio.tools.size"))
        found = None if now >= GOOD else best_stroke(mask, thing.mask, size)
        if found is None or found[0] < now + GAIN:
            break
        _, adds, path, brush = found
        tool = "brush" if adds else "eraser"
        if hand.page.evaluate("studio.tools.current.name") != tool:
            hand.key("d" if adds else "e")
        hand.key(*sizes(size)[brush])
        hand.stroke(path.tolist())
    mask = next(one["pixels"] for one in hand.objects() if one["id"] == number)
    if overlap(mask, thing.mask) < POOR:
        hand.key("Delete")
        polygon(hand, names, thing)


def with_boxes(hand: Hand, names: Sequence[str], things: Sequence[Thing]) -> None:
    for thing in things:
        before = {one["id"] for one in hand.objects()}
        boxed(hand, names, thing)
        new = [one["id"] for one in hand.objects() if one["id"] not in before]
        if new:
            correct(hand, names, thing, new[0])
        else:
            polygon(hand, names, thing)


def with_proposals(hand: Hand, names: Sequence[str], things: Sequence[Thing]) -> int:
    """Accept what is right of what the model proposes, correct it, and draw the rest. How many were accepted."""
    hand.key("Escape", "g")
    hand.settled()
    left, accepted = list(things), 0
    while shown := hand.page.evaluate(BEST):
        mask = pixels(shown[0], things[0].mask.shape)
        right = max(left, key=lambda thing: overlap(mask, thing.mask), default=None)
        if right is None:
            hand.key("Shift+X")
            break
        if overlap(mask, right.mask) < LIKE:
            hand.key("x")
            continue
        before = {one["id"] for one in hand.objects()}
        hand.key("y")
        [new] = [one for one in hand.objects() if one["id"] not in before]
        left.remove(right)
        accepted += 1
        if new["class"] != right.name or overlap(mask, right.mask) < GOOD:
            hand.key("v")
            hand.stroke([inner_point(mask & right.mask if (mask & right.mask).any() else mask)])
            if new["class"] != right.name:
                hand.key(str(names.index(right.name) + 1))
            if hand.page.evaluate("studio.store.chosenId") == new["id"]:
                correct(hand, names, right, new["id"])
    with_boxes(hand, names, left)
    return accepted


def train(hand: Hand, duration: str) -> tuple[str, float]:
    """Train in the page; how it ended, and its seconds."""
    started = time.monotonic()
    hand.key("t")
    hand.wait("Boolean(document.querySelector('dialog select'))")
    hand.page.select_option("dialog select", duration)
    hand.aims, hand.presses = hand.aims + 1, hand.presses + 1
    hand.button("dialog button.main")
    hand.wait(ENDED, LONGEST)
    ended = hand.page.inner_text("#training-state")
    hand.key("Escape")
    return ended, time.monotonic() - started


def read_truth(data: Path, count: int) -> tuple[list[str], dict[str, list[Thing]], Path]:
    """Names of the classes, and the objects of photos that a seed chooses."""
    source = next(path for path in sorted(data.rglob("*.json")) if "annotations" in json.loads(path.read_text()))
    content = json.loads(source.read_text())
    names = {entry["id"]: entry["name"] for entry in content["categories"]}
    images = {entry["id"]: entry for entry in content["images"]}
    found: dict[int, list[Thing]] = {}
    for entry in content["annotations"]:
        image = images[entry["image_id"]]
        shape = (image["height"], image["width"])
        if isinstance(entry["segmentation"], list) and len(entry["segmentation"]) == 1:
            ring = np.clip(np.reshape(entry["segmentation"][0], (-1, 2)), 0, shape[::-1])
            found.setdefault(image["id"], []).append(
                Thing(names[entry["category_id"]], ring, filled([ring.ravel()], shape))
            )
    chosen = np.random.default_rng(0).permutation(sorted(found))[:count].tolist()
    truth = {images[number]["file_name"]: found[number] for number in chosen}
    used = sorted({thing.name for things in truth.values() for thing in things})
    return used, truth, source.parent


def label(browser: Browser, folder: Path, truth: dict[str, list[Thing]], names: Sequence[str], asked: Any) -> Hand:
    """Label all photos of a folder; ``asked.first`` of them before a training, none of them without a model."""
    with_model = asked.model != "none"
    with studio(folder, asked.model) as address:
        page, _ = show(browser, address)
        for name in names:
            page.fill("#class-new", name)
            page.keyboard.press("Enter")
            until(page, f"studio.store.className === {name!r}")
        hand, accepted, unseen = Hand(page), 0, 0
        for k in range(len(truth)):
            things = truth[page.evaluate("studio.store.image.name")]
            if not with_model:
                for thing in things:
                    polygon(hand, names, thing)
            elif k < asked.first:
                with_boxes(hand, names, things)
            else:
                accepted += with_proposals(hand, names, things)
                unseen += len(things)
            image = page.evaluate("studio.store.image.id")
            hand.key("m" if k == len(truth) - 1 or (with_model and k == asked.first - 1) else "n")
            hand.wait(f"studio.store.images[{image - 1}].status === 'done'")
            if with_model and k == asked.first - 1:
                before = hand.aims + hand.keys
                ended, seconds = train(hand, asked.time)
                print(f"{before} actions on {asked.first} photos; then: {ended} ({seconds:.0f} s)", flush=True)
                page.evaluate("(score) => { studio.store.score = score; }", LOW_SCORE)
                hand.aims, hand.presses = hand.aims + 1, hand.presses + 1
                hand.key("n")
            if k < len(truth) - 1:
                hand.wait(f"studio.store.image.id !== {image} && Boolean(studio.view.bitmap)")
            hand.settled()
        hand.key("Control+s")
        hand.wait("studio.store.project.saving.unsaved === 0 && !document.querySelector('#problem').hidden")
        page.close()
    if with_model:
        print(f"Of {unseen} objects of photos that the new model had not seen, {accepted} were accepted.", flush=True)
    return hand


def score(folder: Path, truth: dict[str, list[Thing]]) -> tuple[float, int, int]:
    """Mean overlap of all true objects with the labels that were written (0 where the class is another), how many
    objects there are, and how many labels belong to none."""
    data = open_dataset(folder / "labels.json")
    overlaps, extra = [], 0
    for k in range(len(data)):
        record = data[k]
        assert record.regions is not None
        own = [(data.class_names[int(record.labels[i]) - 1], record.regions.mask(i)) for i in range(len(record))]
        for thing in truth[Path(record.source).name]:
            best = max(own, key=lambda pair: overlap(pair[1], thing.mask), default=None)
            if best is None or not overlap(best[1], thing.mask):
                overlaps.append(0.0)
                continue
            own = [pair for pair in own if pair is not best]
            overlaps.append(overlap(best[1], thing.mask) * (best[0] == thing.name))
        extra += len(own)
    missing = len(truth) - len(data)
    assert missing == 0, f"{missing} photos have no labels"
    return float(np.mean(overlaps)), len(overlaps), extra


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--photos", type=int, default=20)
    parser.add_argument("--first", type=int, default=8, help="photos that are labelled before the training")
    parser.add_argument("--time", default="2m", help="of the training: 2m, 10m, 30m, 1h or 3h")
    parser.add_argument("--model", default="everyday", help="to begin with")
    parser.add_argument("--keep", type=Path, help="folder in which the photos and their labels stay")
    asked = parser.parse_args()
    assert CHROMIUM, "there is no Chromium: apt-get install chromium"
    names, truth, source = read_truth(asked.data, asked.photos)
    with tempfile.TemporaryDirectory() as place, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        rows = []
        for title, model in (("by hand", "none"), ("with the model", asked.model)):
            folder = Path(asked.keep or place, title.replace(" ", "-"))
            folder.mkdir(parents=True)
            for name in truth:
                shutil.copy(source / name, folder / name)
            hand = label(browser, folder, truth, names, argparse.Namespace(**{**vars(asked), "model": model}))
            mean, count, extra = score(folder, truth)
            rows.append(f"| {title} | {hand.aims} | {hand.presses} | {hand.keys} | {mean:.3f} | {extra} |")
            print(rows[-1], flush=True)
        print(f"\n{len(truth)} photos with {count} objects of {len(names)} classes\n")
        print("| | places aimed at | presses of the pointer | keys | mean IoU | false objects |")
        print("|---|---|---|---|---|---|", *rows, sep="\n")


if __name__ == "__main__":
    main()
