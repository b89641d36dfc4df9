"""The page in a real browser: what lies above and below, windows of 16-bit images, touch, keys, and who can use it."""

import numpy as np
import pytest
from PIL import Image

from studio_page import Page, Studio

BANDS = [(20, 20), (100, 80)]


@pytest.fixture(scope="module")
def studio(browser, tmp_path_factory):
    folder = tmp_path_factory.mktemp("layers")
    Image.fromarray(np.full((120, 160, 3), 90, np.uint8)).save(folder / "a.png")
    ramp = np.linspace(200, 3000, 120 * 160).reshape(120, 160).astype(np.uint16)
    Image.fromarray(ramp).save(folder / "b.png")
    (folder / "data.yaml").write_text("train: .\nnames: [cat, dog]\n")
    running = Studio(folder, "--model", "none")
    running.folder = folder
    yield running
    assert running.end() == 0


@pytest.fixture
def page(browser, studio):
    page = Page(browser, studio.address)
    page.raw.evaluate("studio.open(1)")
    page.until("studio.store.image.id === 1 && Boolean(studio.view.bitmap)")
    page.raw.evaluate("studio.store.commit('clear', [...studio.store.objects.keys()].map((id) => [id, null]))")
    assert page.objects() == []
    yield page
    assert page.errors == []
    page.context.close()


def drawn(page, *boxes):
    page.press("b")
    for low, high in boxes:
        page.press("Escape")
        page.drag(low, high)
    page.press("Escape", "v")
    return [one["id"] for one in page.objects()]


def chosen(page):
    page.settled()
    return page.raw.evaluate("studio.store.chosenId")


def test_objects_are_put_before_and_behind_others_and_found_below_one_another(page):
    large, small = drawn(page, ((10, 10), (110, 90)), ((40, 40), (60, 60)))
    page.click(50, 50)
    assert chosen(page) == small  # of one z the smaller
    page.raw.keyboard.down("Alt")
    page.click(50, 48)
    assert chosen(page) == large
    page.click(50, 48)
    assert chosen(page) == small  # behind the last comes the first
    page.raw.keyboard.up("Alt")
    page.raw.wait_for_timeout(600)
    page.click(50, 48)
    assert chosen(page) == large  # clicked again
    page.press("PageUp")
    assert {one["id"]: one["z"] for one in page.objects()} == {large: 1, small: 0}
    assert page.raw.evaluate("[...studio.store.objects.keys()]") == [small, large]
    page.press("Escape")
    page.click(50, 52)
    assert chosen(page) == large
    page.press("PageDown")
    assert {one["id"]: one["z"] for one in page.objects()} == {large: -1, small: 0}
    page.press("Control+z")
    page.until(f"studio.store.objects.get({large}).z === 1")
    page.open()
    assert page.raw.evaluate("[...studio.store.objects.keys()]") == [small, large]


def test_what_the_format_cannot_hold_is_said_when_it_is_drawn(page):
    page.press("p")
    for point in ((20, 20), (80, 20), (80, 80)):
        page.click(*point)
    page.press("Enter", "Shift+H")
    for point in ((60, 30), (70, 30), (70, 40)):
        page.click(*point)
    page.press("Enter")
    page.until("!document.querySelector('#problem').hidden")
    assert "one outline for each object" in page.raw.locator("#problem").inner_text()
    assert len(page.objects()[0]["parts"][0]) == 2


def test_values_of_16_bits_are_shown_in_a_window(page):
    page.raw.evaluate("studio.open(2)")
    page.until("studio.store.image.id === 2 && Boolean(studio.view.bitmap)")
    page.until("document.querySelectorAll('#tool-settings .white input').length === 1")
    value = "studio.view.pixels(80, 60, 1, 1).data[0]"
    before = page.raw.evaluate(value)
    change = "input.value = 1700; input.dispatchEvent(new Event('input'))"
    page.raw.evaluate(f"{{ const input = document.querySelector('#tool-settings .white input'); {change} }}")
    page.until(f"{value} > {before} + 40")


def test_keys_are_changed_and_kept_and_words_are_chinese(page):
    page.press("?")
    page.raw.locator("dialog .keys button[aria-label='Box: B']").click()
    page.press("z")
    page.press("Escape")
    page.open()
    page.press("z")
    assert page.raw.evaluate("studio.tools.current.name") == "box"
    page.raw.evaluate("studio.keys.reset()")
    page.press("l")
    words = "const w = await import('/page/words.js'); return w.names().map((name) => [name, w.word(name)])"
    table = dict(page.raw.evaluate(f"(async () => {{ {words} }})()"))
    page.press("l")
    missing = [name for name, text in table.items() if not any("一" <= letter <= "龥" for letter in text)]
    assert missing == ["language"]


def test_a_pen_and_fingers_draw(browser, studio):
    page = Page(browser, studio.address, has_touch=True, viewport={"width": 390, "height": 844})
    page.raw.evaluate("studio.open(1)")
    page.until("studio.store.image.id === 1")
    before = len(page.objects())
    session = page.context.new_cdp_session(page.raw)
    page.raw.locator("#tools [data-do=box]").tap()
    for kind, point in (("mousePressed", (20, 70)), ("mouseMoved", (60, 100)), ("mouseReleased", (60, 100))):
        x, y = page.at(*point)
        pressed = {"button": "left", "buttons": int(kind != "mouseReleased"), "clickCount": 1, "pointerType": "pen"}
        session.send("Input.dispatchMouseEvent", {"type": kind, "x": x, "y": y, **pressed})
    page.settled()
    assert len(page.objects()) == before + 1
    page.context.close()


@pytest.mark.parametrize("width", [1280, 390])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing(browser, studio, width, scheme):
    axe = pytest.importorskip(
        "axe_playwright_python.sync_playwright", reason="axe-core comes with axe-playwright-python"
    )
    page = Page(browser, studio.address, viewport={"width": width, "height": 800}, color_scheme=scheme)
    for opened in ("", "?", "t", "Shift+G"):
        if opened:
            page.press(opened)
            page.until("document.querySelector('#dialog').open")
        found = axe.Axe().run(page.raw).response["violations"]
        assert [(one["id"], [node["html"] for node in one["nodes"]]) for one in found] == []
        page.press("Escape")
    page.context.close()
