"""The page in a real browser: each tool with the mouse, by keyboard and with a finger, and what goes wrong."""

import signal

import numpy as np
import pytest

from maskrcnn.regions import encode_runs
from studio_page import Page, Studio


@pytest.fixture(scope="module")
def studio(tmp_path_factory, tiny_file):
    from PIL import Image

    folder = tmp_path_factory.mktemp("photos")
    for k, name in enumerate(("a.png", "b.png", "c.png")):
        pixels = np.full((120, 160, 3), 40 + 20 * k, np.uint8)
        pixels[30:60, 40:90] = 220
        Image.fromarray(pixels).save(folder / name)
    (folder / "d.png").write_bytes(b"no image")
    running = Studio(folder, "--model", str(tiny_file))
    running.folder = folder
    yield running
    assert running.end() == 0


@pytest.fixture
def page(browser, studio):
    page = Page(browser, studio.address)
    # whatever other tests have left, in whichever order they run
    page.raw.evaluate("studio.store.commit('clear', [...studio.store.objects.keys()].map((id) => [id, null]))")
    assert page.objects() == []
    yield page
    assert page.errors == []
    own = studio.address.partition("#")[0]
    assert [url for url in page.asked if not url.startswith((own, "blob:", "data:"))] == []
    page.context.close()


def area(one):
    return sum(one["mask"]["runs"][1::2])


def test_each_tool_draws_and_each_stroke_is_undone(page):
    page.name("cat")
    page.press("b")
    page.drag((10, 10), (50, 40))
    [box] = page.objects()
    assert np.allclose(box["box"], [10, 10, 50, 40], atol=1) and box["class"] == "cat" and box["source"] == "human"
    page.press("Escape", "p")
    for point in ((100, 20), (140, 20), (140, 60), (100, 60)):
        page.click(*point)
    page.press("Backspace", "Enter")  # without its last corner
    assert len(page.objects()[1]["parts"][0][0]) == 6
    page.press("Escape", "o")
    page.drag((20, 70), (60, 110))
    assert len(page.objects()[2]["parts"][0][0]) > 30
    page.press("Escape", "d")
    page.drag((100, 80), (130, 100))
    painted = page.objects()[3]
    page.drag((100, 100), (130, 80))  # the same object: it is chosen
    assert area(page.objects()[3]) > area(painted)
    page.press("e")
    page.drag((100, 80), (130, 100))
    assert area(page.objects()[3]) < area(painted)
    page.press("Escape", "f")
    page.click(60, 45)
    flooded = page.objects()[4]
    assert flooded["mask"]["box"] == [40, 30, 90, 60] and area(flooded) == 50 * 30
    for count in (4, 4, 4, 3, 2, 1, 0):
        page.press("Control+z")
        page.until(f"studio.store.objects.size === {count}")
    assert page.objects() == []
    for count in (1, 2, 3, 4, 4, 4, 5):
        page.press("Control+Shift+z")
        page.until(f"studio.store.objects.size === {count}")
    assert page.objects()[4] == flooded
    page.open()  # a reload in the middle
    assert len(page.objects()) == 5
    page.press("Control+z")
    page.until("studio.store.objects.size === 4")


def test_corners_are_moved_added_and_removed_and_objects_combined(page):
    page.press(".")
    page.until("studio.store.image.id === 2 && Boolean(studio.view.bitmap)")
    page.name("dog")
    page.press("p")
    for point in ((20, 20), (80, 20), (80, 80), (20, 80)):
        page.click(*point)
    page.press("Enter", "v")
    page.drag((80, 80), (100, 100))
    ring = page.objects()[0]["parts"][0][0]
    assert np.allclose(ring[4:6], [100, 100], atol=1)
    page.raw.mouse.dblclick(*page.at(50, 20))
    assert len(page.objects()[0]["parts"][0][0]) == 10
    page.raw.keyboard.down("Alt")
    page.click(100, 100)
    page.raw.keyboard.up("Alt")
    assert len(page.objects()[0]["parts"][0][0]) == 8
    page.press("Shift+H")
    for point in ((30, 30), (40, 30), (40, 40)):
        page.click(*point)
    page.press("Enter")
    assert [len(part) for part in page.objects()[0]["parts"]] == [2]
    page.press("Escape", "b")
    page.drag((50, 20), (140, 60))
    page.press("v", "j")
    page.click(25, 60)
    [joined] = page.objects()
    assert joined["mask"]["box"][2] == 140
    page.press("u")
    assert len(page.objects()) == 2
    page.press("Delete")
    assert len(page.objects()) == 1


def test_keypoints_are_named_and_placed(page):
    page.name("fish")
    page.press("k")
    page.click(40, 40)  # nobody has named them yet
    page.raw.locator("dialog textarea").fill("head\ntail\nhead - tail")
    page.raw.locator("dialog button.main").click()
    page.until("studio.store.keypointNames.length === 2 && studio.tools.current.name === 'points'")
    page.click(40, 40)
    page.raw.keyboard.down("Alt")
    page.click(70, 50)
    page.raw.keyboard.up("Alt")
    [fish] = page.objects()
    assert [v for _, _, v in fish["keypoints"]] == [2, 1]
    assert np.allclose([point[:2] for point in fish["keypoints"]], [[40, 40], [70, 50]], atol=1)
    page.drag((40, 40), (30, 35))
    assert np.allclose(page.objects()[0]["keypoints"][0][:2], [30, 35], atol=1)


def test_objects_are_split_subtracted_and_found_again(page):
    page.name("bird")
    page.press("p")
    for point in ((10, 10), (30, 10), (30, 30)):
        page.click(*point)
    page.press("Enter", "Shift+P")
    for point in ((60, 10), (80, 10), (80, 30)):
        page.click(*point)
    page.press("Enter")
    assert [len(one["parts"]) for one in page.objects()] == [2]
    page.press("Shift+S")
    assert [len(one["parts"]) for one in page.objects()] == [1, 1]
    page.press("Escape", "b")
    page.drag((100, 20), (140, 60))
    page.press("Escape")
    page.drag((120, 10), (150, 70))
    page.press("v")
    page.click(105, 40)
    page.press("s")
    page.click(145, 40)
    first = page.objects()[2]
    assert first["mask"]["box"][0] == pytest.approx(100, abs=1) and first["mask"]["box"][2] == pytest.approx(120, abs=1)
    page.press("Shift+G")
    page.raw.locator("dialog select").first.select_option("bird")
    page.until("document.querySelectorAll('dialog .pictures button').length === 4")
    page.raw.locator("dialog .pictures button").nth(2).click()
    page.until(f"studio.store.chosenId === {first['id']}")
    page.raw.locator("#of-class").select_option("bird")
    page.until("studio.side.having !== null && document.querySelectorAll('#image-room button').length === 1")
    page.raw.locator("#below").select_option("0.5")
    page.until("document.querySelectorAll('#image-room button').length === 0")


def test_by_keyboard_alone(page):
    page.press(".", ".")
    page.until("studio.store.image.id === 3 && Boolean(studio.view.bitmap)")
    page.press("b", "ArrowLeft", "Space", *["ArrowRight"] * 5, *["ArrowDown"] * 4, "Space")
    [one] = page.objects()
    scale = page.raw.evaluate("studio.view.scale")
    x1, y1, x2, y2 = one["box"]
    assert (x2 - x1) * scale == pytest.approx(60, abs=1) and (y2 - y1) * scale == pytest.approx(48, abs=1)
    page.press("1", "m")
    page.until("studio.store.image.status === 'done'")
    assert page.objects()[0]["class"] == page.raw.evaluate("studio.store.classNames[0]")
    page.press("?")
    assert page.raw.locator("dialog").is_visible()
    page.press("Escape", "l")
    assert page.raw.locator("#images-part h2").inner_text().startswith("图像")
    page.press("l")


def test_with_fingers(browser, studio):
    page = Page(browser, studio.address, has_touch=True, viewport={"width": 390, "height": 844})
    session = page.context.new_cdp_session(page.raw)

    def touch(kind, *points):
        spots = [{"x": x, "y": y, "id": k} for k, (x, y) in enumerate(page.at(*point) for point in points)]
        session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": spots})

    before = len(page.objects())
    page.raw.locator("#tools [data-do=brush]").tap()
    touch("touchStart", (60, 60))
    touch("touchMove", (90, 90))
    touch("touchEnd")
    page.settled()
    assert len(page.objects()) == before + 1
    scale = page.raw.evaluate("studio.view.scale")
    touch("touchStart", (60, 60), (90, 90))
    touch("touchMove", (40, 40), (110, 110))
    touch("touchEnd")
    assert page.raw.evaluate("studio.view.scale") > 1.5 * scale
    assert len(page.objects()) == before + 1  # two fingers draw nothing
    page.raw.locator("#panel-open").tap()
    assert page.raw.locator("#side").evaluate("(side) => side.classList.contains('open')")
    assert page.errors == []
    page.context.close()


def test_the_model_colours_and_proposes(page):
    before = len(page.objects())
    page.press("a")
    page.drag((35, 25), (95, 65))
    page.until(f"studio.store.objects.size === {before + 1}")
    page.press("g")
    page.until("document.querySelector('#stage').getAttribute('aria-busy') === 'false'")
    page.raw.evaluate("studio.store.score = 0")
    many = page.raw.evaluate("studio.store.shownProposals().length")
    assert len(page.objects()) == before + 1  # proposals are nobody's yet
    page.press("Shift+Y")
    assert len(page.objects()) == before + 1 + many


def test_what_goes_wrong_is_said_and_the_rest_goes_on(page, browser, studio):
    page.raw.evaluate("studio.open(4)")
    page.until("!document.querySelector('#problem').hidden")
    assert "d.png is not an image" in page.raw.locator("#problem").inner_text()
    page.raw.evaluate("studio.open(1)")
    page.until("studio.store.image.id === 1")
    page.press("b")
    page.drag((10, 10), (50, 40))
    page.settled()
    other = Page(browser, studio.address)
    other.raw.evaluate("studio.open(1)")
    other.until("studio.store.image.id === 1")
    number = page.objects()[0]["id"]
    for window in (page, other):
        window.raw.evaluate("(id) => studio.store.select(id)", number)
        window.press("Delete")
        window.settled()
    assert "any more" in other.raw.locator("#problem").inner_text()
    assert len(other.objects()) == len(page.objects())
    other.context.close()


def test_a_full_disk_is_said_and_the_stroke_waits_until_there_is_room(browser, tmp_path, save_image):
    resource = pytest.importorskip("resource")
    if not hasattr(resource, "prlimit"):
        pytest.skip("only Linux limits the files of another process")
    save_image(tmp_path / "photos" / "a.png", 120, 160)
    running = Studio(tmp_path / "photos", "--model", "none")
    page = Page(browser, running.address)
    page.press("b")
    page.drag((10, 10), (25, 30))
    page.settled()
    largest = max(file.stat().st_size for file in (tmp_path / "photos" / ".maskrcnn").iterdir())
    limit = resource.RLIMIT_FSIZE
    resource.prlimit(running.process.pid, limit, (largest + 8192, resource.RLIM_INFINITY))
    drawn = 1
    while page.raw.locator("#problem").is_hidden() and drawn < 60:
        page.press("Escape")
        page.drag((10 + drawn, 40), (40 + drawn, 90))
        drawn += 1
        page.raw.wait_for_timeout(100)
    assert "free some space" in page.raw.locator("#problem").inner_text()
    assert page.raw.evaluate("studio.store.objects.size") == drawn  # what waits is shown all the same
    resource.prlimit(running.process.pid, limit, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    assert len(page.objects()) == drawn
    page.context.close()
    assert running.end() == 0


def test_without_a_network_strokes_wait_in_the_page(page):
    page.press("b")
    page.context.set_offline(True)
    page.drag((10, 10), (50, 40))
    page.until("!document.querySelector('#problem').hidden")
    assert "does not answer" in page.raw.locator("#problem").inner_text()
    page.context.set_offline(False)
    assert len(page.objects()) == 1


def test_what_the_model_misses_is_opened_in_place(page):
    page.name("disc")
    page.press("b")
    page.drag((3, 3), (20, 20))
    page.settled()
    page.press(".")
    page.until("studio.store.image.id === 2 && Boolean(studio.view.bitmap)")
    page.press("w")
    page.until("/[Dd]ifferences/.test(document.querySelector('dialog [role=status]').textContent)")
    missed = page.raw.locator("dialog .pictures").first.locator("button")
    assert missed.count() >= 1
    missed.first.click()
    page.until("studio.store.image.id === 1 && studio.store.selected !== null")
    assert not page.raw.locator("dialog").is_visible()


def test_a_studio_that_is_killed_has_every_stroke_that_it_acknowledged(browser, tmp_path, save_image):
    save_image(tmp_path / "photos" / "a.png", 120, 160)
    running = Studio(tmp_path / "photos", "--model", "none")
    page = Page(browser, running.address)
    page.press("b")
    for k in range(6):
        page.press("Escape")
        page.drag((10 + 20 * k, 10), (25 + 20 * k, 30))
    kept = page.objects()
    running.end(signal.SIGKILL)
    page.press("Escape")
    page.drag((10, 60), (40, 90))
    page.until("!document.querySelector('#problem').hidden")
    assert "does not answer" in page.raw.locator("#problem").inner_text()
    assert page.raw.evaluate("studio.store.waiting.length") == 1  # it waits in the page
    page.context.close()
    again = Studio(tmp_path / "photos", "--model", "none")
    page = Page(browser, again.address)
    assert page.objects() == kept and len(kept) == 6
    page.context.close()
    assert again.end() == 0
    assert (tmp_path / "photos" / "labels.json").stat().st_size > 100


def test_masks_of_the_page_agree_with_slow_twins(page):
    rng = np.random.default_rng(3)
    for _ in range(10):
        mask = rng.random((7, 9)) < 0.5
        mask[0, 0] = mask[-1, -1] = mask[0, -1] = True  # its window is tight
        sent = {"box": [3, 4, 12, 11], "runs": encode_runs(mask).tolist()}
        script = "async (sent) => { const m = await import('/page/draw/masks.js'); return m.toRuns(m.fromRuns(sent)); }"
        assert page.raw.evaluate(script, sent) == sent
    script = (
        "async ([parts, sides]) => { const m = await import('/page/draw/masks.js'); "
        "const f = m.fromParts(parts, sides); return [f.x, f.y, f.w, f.h, [...f.data]]; }"
    )
    for _ in range(10):
        ring = (rng.random(10) * 24 - 2).tolist()
        x, y, w, h, data = page.raw.evaluate(script, [[[ring]], [20, 20]])
        got = np.zeros((20, 20), bool)
        got[y : y + h, x : x + w] = np.reshape(data, (h, w))
        assert np.array_equal(got, [[odd(ring, k + 0.5, j + 0.5) for k in range(20)] for j in range(20)])


def odd(ring, x, y):
    """Whether a ray from the point to the left crosses an odd number of sides."""
    corners = list(zip(ring[::2], ring[1::2]))
    crossed = 0
    for (ax, ay), (bx, by) in zip(corners, corners[1:] + corners[:1]):
        if (ay <= y) != (by <= y):
            crossed += ax + (y - ay) / (by - ay) * (bx - ax) <= x
    return crossed % 2 == 1
