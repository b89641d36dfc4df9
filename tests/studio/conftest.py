"""A folder of small images, and a studio on it: the application behind its guard, without a port."""

import pytest

from maskrcnn.jobs.studio.options import StudioOptions
from studio_client import HOME, PORT, TOKEN, Client
from studio_page import CHROMIUM


@pytest.fixture
def photos(tmp_path, save_image):
    """Three images of 40 x 60 pixels."""
    for k, name in enumerate(("a.png", "b.png", "deep/c.png")):
        save_image(tmp_path / "photos" / name, seed=k)
    return tmp_path / "photos"


@pytest.fixture
def open_studio():
    """``open_studio(folder, **options) -> Client``; ``client.desk`` is what it serves. Closed when the test ends."""
    pytest.importorskip("fastapi", reason="fastapi is of the extra studio")
    testclient = pytest.importorskip("starlette.testclient", reason="the tests of the studio need httpx")
    from maskrcnn.apps.http.guard import Admission, Guard
    from maskrcnn.apps.studio.app import create_app
    from maskrcnn.jobs.studio.desk import Desk

    opened = []

    def start(folder, largest=2**20, **options):
        desk = Desk(StudioOptions(folder, **{"model": "none", **options}))
        opened.append(desk)
        guarded = Guard(create_app(desk), Admission(TOKEN, PORT, largest=largest))
        client = Client(testclient.TestClient(guarded, base_url=HOME))
        client.desk = desk
        return client

    yield start
    for desk in opened:
        desk.close()


@pytest.fixture(scope="module")
def browser():
    """A real Chromium; tests with it are skipped where there is none."""
    pytest.importorskip("fastapi", reason="fastapi is of the extra studio")
    sync_api = pytest.importorskip("playwright.sync_api", reason="the browser is driven by playwright")
    if CHROMIUM is None:
        pytest.skip("there is no Chromium: apt-get install chromium")
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()
