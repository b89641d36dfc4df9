"""The studio's command, and its page in a real Chromium."""

import re
import shutil
import signal
import subprocess
import sys
import time

NAMES = ("chromium", "chromium-browser", "google-chrome")
CHROMIUM = next((path for name in NAMES if (path := shutil.which(name))), None)
PATIENCE = 60  # seconds; a busy machine is slow


class Studio:
    """The command as a user starts it."""

    def __init__(self, folder, *flags):
        command = [sys.executable, "-m", "maskrcnn", "studio", str(folder), "--no-browser", *flags]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.address = re.search(r"http://\S+", self.process.stdout.readline())[0]

    def end(self, how=signal.SIGINT):
        self.process.send_signal(how)
        self.process.communicate(timeout=PATIENCE)
        return self.process.returncode


class Page:
    """A window of the studio; positions are pixels of the image."""

    def __init__(self, browser, address, **options):
        self.context = browser.new_context(**{"viewport": {"width": 1000, "height": 700}, **options})
        self.raw = self.context.new_page()
        self.errors, self.asked = [], []
        self.raw.on("pageerror", lambda error: self.errors.append(str(error)))
        self.raw.on("request", lambda request: self.asked.append(request.url))
        self.open(address)

    def open(self, address=None):
        if address is None:
            self.raw.reload()
        else:
            self.raw.goto(address)
        self.until("document.body.dataset.ready === '1' && Boolean(studio.view.bitmap)")

    def until(self, text):
        end = time.monotonic() + PATIENCE
        while not self.raw.evaluate(text):
            assert time.monotonic() < end, f"{text}: {self.raw.locator('#problem').inner_text()} {self.errors}"
            time.sleep(0.03)

    def settled(self):
        self.until("!studio.store.waiting.length && !studio.store.sending")

    def at(self, x, y):
        box = self.raw.locator("#stage").bounding_box()
        sx, sy = self.raw.evaluate("([x, y]) => studio.view.toScreen(x, y)", [x, y])
        return box["x"] + sx, box["y"] + sy

    def drag(self, *points):
        self.raw.mouse.move(*self.at(*points[0]))
        self.raw.mouse.down()
        for point in points[1:]:
            self.raw.mouse.move(*self.at(*point), steps=4)
        self.raw.mouse.up()

    def click(self, x, y):
        self.raw.mouse.click(*self.at(x, y))

    def press(self, *keys):
        for key in keys:
            self.raw.keyboard.press(key)

    def objects(self):
        """As the server has them."""
        self.settled()
        sent = self.raw.evaluate("fetch(`/api/images/${studio.store.image.id}`).then((answer) => answer.json())")
        return sent["objects"]

    def name(self, text):
        self.raw.fill("#class-new", text)
        self.press("Enter")
        self.until(f"studio.store.className === {text!r}")
