"""How quick the studio's page is in a real Chromium: strokes among many objects, large images, long lists.

    python benchmarks/studio.py [--picture docs/studio.jpg]

Everything is made from seeds in a folder that is removed afterwards. A frame is what passes between two frames that
the browser draws while a brush goes over the image, with the frames in which the stroke is finished and written down.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from playwright.sync_api import Browser, Page, sync_playwright

import maskrcnn

CHROMIUM = next(
    (path for name in ("chromium", "chromium-browser", "google-chrome") if (path := shutil.which(name))), ""
)
EXAMPLES = Path(maskrcnn.__file__).parent / "examples" / "photos"
SIDE, LARGE, MANY = 2000, 10_000, 10_000
BOXES = 24
WATCH = """() => { window.frames_ = []; let last = performance.now();
const look = () => { const now = performance.now(); window.frames_.push(now - last); last = now;
window.watching_ = requestAnimationFrame(look); }; look(); }"""


@contextmanager
def studio(data: Path, model: str = "none") -> Iterator[str]:
    """The command on ``data``; the address of its page."""
    command = [sys.executable, "-m", "maskrcnn", "studio", str(data), "--no-browser", "--model", model]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    assert process.stdout is not None
    line = process.stdout.readline()
    found = re.search(r"http://\S+", line)
    assert found, line
    try:
        yield found[0]
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(60)


def until(page: Page, text: str, seconds: float = 120) -> None:
    end = time.monotonic() + seconds
    while not page.evaluate(text):
        assert time.monotonic() < end, text
        time.sleep(0.01)


def show(browser: Browser, address: str) -> tuple[Page, float]:
    """The page, and the seconds until the image and its objects stand on it."""
    page = browser.new_page(viewport={"width": 1280, "height": 800})
    started = time.monotonic()
    page.goto(address)
    until(page, "document.body.dataset.ready === '1' && Boolean(studio.view.bitmap || studio.view.tiles.size)")
    page.evaluate("() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")
    return page, time.monotonic() - started


def frames(page: Page) -> np.ndarray:
    """Milliseconds of the frames of three strokes."""
    box = page.locator("#stage").bounding_box()
    assert box is not None
    page.keyboard.press("d")
    page.evaluate(WATCH)
    for k in range(3):
        page.keyboard.press("Escape")
        y = box["y"] + box["height"] * (0.3 + 0.2 * k)
        page.mouse.move(box["x"] + 0.3 * box["width"], y)
        page.mouse.down()
        for step in range(40):
            page.mouse.move(box["x"] + (0.3 + 0.01 * step) * box["width"], y + 20 * np.sin(step / 3))
        page.mouse.up()
        until(page, "!studio.store.waiting.length && !studio.store.sending")
    return np.array(page.evaluate("() => { cancelAnimationFrame(window.watching_); return window.frames_; }"))


def memory() -> float:
    """MB of the largest process that draws a page."""
    largest = 0.0
    for place in Path("/proc").glob("[0-9]*"):
        try:
            if b"--type=renderer" in (place / "cmdline").read_bytes():
                status = (place / "status").read_text()
                largest = max(largest, int(re.findall(r"VmRSS:\s+(\d+)", status)[0]) / 1024)
        except (OSError, IndexError):
            continue
    return largest


def polygons(folder: Path, count: int) -> Path:
    """An image with ``count`` outlines of 24 corners."""
    rng = np.random.default_rng(1)
    turns = np.arange(24) * 2 * np.pi / 24
    annotations = []
    for number in range(1, count + 1):
        x, y, radius = rng.uniform(40, SIDE - 40), rng.uniform(40, SIDE - 40), rng.uniform(8, 30)
        wobble = radius * rng.uniform(0.7, 1.2, 24)
        ring = np.stack([x + wobble * np.cos(turns), y + wobble * np.sin(turns)], 1)
        low, extent = ring.min(0), np.ptp(ring, 0)
        annotations.append(
            {"id": number, "segmentation": [ring.ravel().tolist()], "bbox": [*low.tolist(), *extent.tolist()]}
        )
    return write(folder, annotations)


def masks(folder: Path, count: int) -> Path:
    """An image with ``count`` masks that were painted."""
    from maskrcnn.regions import Regions
    from maskrcnn.rle import regions_to_rle

    rng = np.random.default_rng(2)
    annotations = []
    for number in range(1, count + 1):
        radius = int(rng.integers(20, 90))
        row, column = np.mgrid[-radius:radius, -radius:radius]
        window = np.hypot(row, column) < radius * rng.uniform(0.6, 1, (2 * radius, 2 * radius))
        y, x = rng.integers(0, SIDE - 2 * radius, 2).tolist()
        regions = Regions.from_windows((SIDE, SIDE), [((y, x), window)])
        x1, y1, x2, y2 = regions.boxes()[0].tolist()
        annotations.append(
            {"id": number, "segmentation": regions_to_rle(regions, 0), "bbox": [x1, y1, x2 - x1, y2 - y1]}
        )
    return write(folder, annotations)


def write(folder: Path, annotations: list[dict[str, Any]]) -> Path:
    folder.mkdir()
    Image.fromarray(np.random.default_rng(0).integers(90, 140, (SIDE, SIDE), np.uint8)).save(folder / "a.png")
    entries = [
        {"image_id": 1, "category_id": 1 + entry["id"] % 5, "iscrowd": 0, "area": 1, **entry} for entry in annotations
    ]
    content = {
        "images": [{"id": 1, "file_name": "a.png", "height": SIDE, "width": SIDE}],
        "annotations": entries,
        "categories": [{"id": k, "name": f"class {k}"} for k in range(1, 6)],
    }
    path = folder / "labels.json"
    path.write_text(json.dumps(content))
    return path


def large(folder: Path) -> Path:
    folder.mkdir()
    small = np.random.default_rng(3).integers(0, 255, (LARGE // 50, LARGE // 50, 3), np.uint8)
    Image.fromarray(small).resize((LARGE, LARGE)).save(folder / "large.jpg", quality=85)
    return folder


def many(folder: Path) -> Path:
    folder.mkdir()
    Image.fromarray(np.full((40, 60, 3), 128, np.uint8)).save(folder / "00000.jpg")
    for k in range(1, MANY):
        os.link(folder / "00000.jpg", folder / f"{k:05d}.jpg")
    return folder


def box_to_mask(folder: Path) -> np.ndarray:
    """Seconds from a box to the mask of everyday, as a script sees them: ``[3, N]``, N boxes on each of 3 photos."""
    shutil.copytree(EXAMPLES, folder)
    rng, seconds = np.random.default_rng(4), []
    with studio(folder, "everyday") as address:
        home, token = address.split("/#token=")
        head = {"authorization": f"Bearer {token}", "content-type": "application/json"}
        urllib.request.urlopen(urllib.request.Request(f"{home}/api/model", None, head), timeout=60).read()  # noqa: S310
        for k in range(BOXES):
            x, y = rng.uniform(0, 200, 2)
            body = json.dumps({"boxes": [[x, y, x + rng.uniform(60, 180), y + rng.uniform(60, 180)]]}).encode()
            started = time.monotonic()
            number = 1 + k // (BOXES // 3)
            request = urllib.request.Request(f"{home}/api/images/{number}/masks", body, head)  # noqa: S310 - our own
            urllib.request.urlopen(request, timeout=60).read()  # noqa: S310
            seconds.append(time.monotonic() - started)
    return np.array(seconds).reshape(3, -1)


def picture(browser: Browser, folder: Path, path: Path) -> None:
    """The page in light and, narrow, in dark, beside each other."""
    shutil.copytree(EXAMPLES, folder)
    with studio(folder, "everyday") as address:
        page, _ = show(browser, address)
        page.fill("#class-new", "person")
        page.keyboard.press("Enter")
        until(page, "studio.store.className === 'person'")
        page.keyboard.press("a")
        box = page.locator("#stage").bounding_box()
        assert box is not None
        ends = page.evaluate("[studio.view.toScreen(60, 10), studio.view.toScreen(480, 510)]")
        page.mouse.move(box["x"] + ends[0][0], box["y"] + ends[0][1])
        page.mouse.down()
        page.mouse.move(box["x"] + ends[1][0], box["y"] + ends[1][1], steps=5)
        page.mouse.up()
        until(page, "studio.store.objects.size === 1")
        page.wait_for_timeout(500)
        page.screenshot(path=folder / "light.png")
        page.emulate_media(color_scheme="dark")
        page.set_viewport_size({"width": 390, "height": 800})
        page.wait_for_timeout(500)
        page.screenshot(path=folder / "dark.png")
    sheet = Image.new("RGB", (1280 + 16 + 390, 800), "white")
    sheet.paste(Image.open(folder / "light.png"), (0, 0))
    sheet.paste(Image.open(folder / "dark.png"), (1296, 0))
    sheet.save(path, quality=85)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--picture", type=Path, help="make the picture of the page instead, of the example photos")
    parser.add_argument("--only", default="", help="of the cases those whose names have this in them")
    asked = parser.parse_args()
    assert CHROMIUM, "there is no Chromium: apt-get install chromium"
    with tempfile.TemporaryDirectory() as place, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        if asked.picture:
            picture(browser, Path(place, "photos"), asked.picture)
            return
        print("| | opened | frames, median | frames, 95th percentile | memory of the page |\n|---|---|---|---|---|")
        cases = {
            "5,000 outlines": lambda: polygons(Path(place, "outlines"), 5000),
            "1,000 masks": lambda: masks(Path(place, "masks"), 1000),
            f"{LARGE:,} x {LARGE:,} pixels": lambda: large(Path(place, "large")),
            f"{MANY:,} images": lambda: many(Path(place, "many")),
        }
        for name, make in cases.items():
            if asked.only not in name:
                continue
            with studio(make()) as address:
                page, opened = show(browser, address)
                found = frames(page)
                middle, high = np.percentile(found, (50, 95))
                print(
                    f"| {name} | {opened:.2f} s | {middle:.0f} ms | {high:.0f} ms | {memory():.0f} MB |",
                    flush=True,
                )
                page.close()
        if asked.only not in "boxes":
            return
        seconds = box_to_mask(Path(place, "everyday"))
        for title, some in (("the first on a photo", seconds[:, :1]), ("further ones", seconds[:, 1:])):
            middle, high = np.percentile(some, (50, 95))
            print(f"From a box to its mask (everyday, {some.size} boxes, {title}): median {middle:.2f} s, ", end="")
            print(f"95th percentile {high:.2f} s.")


if __name__ == "__main__":
    main()
