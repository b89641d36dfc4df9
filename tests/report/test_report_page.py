"""``report.html`` as ``maskrcnn evaluate`` and ``maskrcnn train`` write it."""

import json
import re
import shutil
from html.parser import HTMLParser

import pytest

from maskrcnn.report import page
from maskrcnn.report.html import count, data, listing, tag, tally
from tiny import save_tiny_model, write_coco

VOID = {"meta", "img", "br"}
SECTIONS = ("precision", "missed", "false", "classes", "scores", "pictures", "words", "todo")


class Page(HTMLParser):
    """A page taken apart: that every element ends, the numbers that are marked with a name, data for programs."""

    def __init__(self, text):
        super().__init__()
        self.text, self.open, self.tags, self.marked, self.data = text, [], [], [], {}
        self.feed(text)
        self.close()
        assert self.open == [], f"never closed: {self.open}"

    def handle_starttag(self, name, attributes):
        attributes = dict(attributes)
        self.tags.append((name, attributes))
        if name not in VOID:
            self.open.append((name, attributes))

    def handle_endtag(self, name):
        assert self.open and self.open[-1][0] == name, f"</{name}> in {self.open[-3:]}"
        self.open.pop()

    def handle_data(self, text):
        name, attributes = self.open[-1] if self.open else ("", {})
        if "data-metric" in attributes:
            self.marked.append((attributes["data-metric"], text))
        if name == "script":
            self.data[attributes["id"]] = json.loads(text)

    def attributes(self, name):
        return [attributes[name] for _, attributes in self.tags if name in attributes]


@pytest.fixture
def report(maskrcnn, tiny_file, tmp_path):
    def run(data, *arguments, model=tiny_file):
        outcome = maskrcnn("evaluate", data, "--model", model, "--out", tmp_path / "out", "--bootstrap", 20, *arguments)
        assert outcome.code == 0, outcome
        text = (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
        return Page(text), json.loads((tmp_path / "out" / "metrics.json").read_text())

    return run


def test_its_numbers_are_those_of_metrics_json(report, tmp_path):
    found, metrics = report(write_coco(tmp_path / "data", count=6))
    assert found.data["metrics"] == metrics
    assert {"mask/AP", "mask/AP50", "box/AR", "mask/AP/disc"} <= {name for name, _ in found.marked}
    for name, shown in found.marked:
        value = metrics.get(name)
        assert shown == ("–" if value is None else f"{value:.3f}")


def test_its_waterfall_sums_to_the_missed_objects(report, tmp_path):
    found, metrics = report(write_coco(tmp_path / "data", count=8))
    facts = found.data["diagnosis"]
    assert facts["objects"] == metrics["objects"]
    assert sum(facts["causes"].values()) == facts["missed"] == facts["objects"] - facts["found"] > 0
    assert sum(facts["false_kinds"].values()) == facts["false"] > 0
    rows = [a for _, a in found.tags if "data-cause" in a]
    assert {row["data-cause"]: int(row["data-count"]) for row in rows} == {
        k: n for k, n in facts["causes"].items() if n
    }
    assert found.attributes("data-missed") == [str(facts["missed"])]
    waterfall = re.search(r"Of \d+ labelled objects, how many.*?</svg>", found.text, re.DOTALL).group()
    assert sum(int(n) for n in re.findall(r"−(\d+)<", waterfall)) == facts["missed"]


def test_it_needs_no_network_and_no_script_and_knows_the_dark(report, tmp_path):
    found, _ = report(write_coco(tmp_path / "data"))
    assert not re.search(r"https?:|//[a-z]|url\(|@import|<link", re.sub(r"base64,[A-Za-z0-9+/=]+", "", found.text))
    assert {a["type"] for name, a in found.tags if name == "script"} == {"application/json"}
    assert "prefers-color-scheme:dark" in found.text
    assert all(source.startswith("data:image/jpeg;base64,") for source in found.attributes("src"))
    assert len(found.attributes("src")) >= 2
    assert len(found.text) < 5_000_000


def test_each_section_has_a_place_that_the_page_links_to(report, tmp_path):
    found, _ = report(write_coco(tmp_path / "data"))
    assert set(SECTIONS) <= set(found.attributes("id"))
    inner = {link[1:] for link in found.attributes("href") if link.startswith("#")}
    assert inner <= set(found.attributes("id"))


def test_class_names_that_look_like_html_are_shown_as_they_are(report, tmp_path):
    names = ("<script>alert(1)</script>", "a & b \"c\" 'd'")
    model = save_tiny_model(tmp_path / "odd.safetensors", class_names=names)
    found, metrics = report(write_coco(tmp_path / "data", classes=names), model=model)
    assert "<script>alert" not in found.text
    assert found.data["metrics"] == metrics
    assert f"mask/AP/{names[0]}" in metrics


def test_boxes_without_masks_are_judged_by_boxes(report, tmp_path):
    found, _ = report(write_coco(tmp_path / "data", masks=False))
    assert found.data["diagnosis"]["judged_by"] == "box"


def test_images_without_objects_have_a_page_too(report, tmp_path):
    found, metrics = report(write_coco(tmp_path / "data", annotations=[]))
    assert (found.data["diagnosis"]["objects"], metrics["objects"]) == (0, 0)
    assert "There is no labelled object to find" in found.text


def test_images_that_cannot_be_read_are_named(maskrcnn, tiny_file, tmp_path):
    data = write_coco(tmp_path / "data")
    (tmp_path / "data" / "images" / "1.png").write_bytes(b"no picture")
    assert maskrcnn("evaluate", data, "--model", tiny_file, "--out", tmp_path / "out").code == 1
    text = (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
    assert "1 image could not be read" in text and "1.png" in text


def test_where_it_is_is_said_at_the_end(maskrcnn, tiny_file, tmp_path):
    data, out = write_coco(tmp_path / "data"), tmp_path / "out"
    outcome = maskrcnn("evaluate", data, "--model", tiny_file, "--out", out, "--bootstrap", 0)
    assert outcome.out.splitlines()[-1].endswith(str(out / "report.html"))


def test_it_can_be_left_out(maskrcnn, tiny_file, tmp_path):
    data, out = write_coco(tmp_path / "data"), tmp_path / "out"
    outcome = maskrcnn("evaluate", data, "--model", tiny_file, "--out", out, "--no-report")
    assert outcome.code == 0 and "report" not in outcome.out + outcome.err
    assert [path.name for path in out.iterdir()] == ["metrics.json"]


@pytest.mark.parametrize("where", ["maskrcnn.jobs.evaluate.write_report", "maskrcnn.evaluation.misses.diagnosis.trace"])
def test_if_it_fails_the_numbers_are_not_lost(maskrcnn, tiny_file, tmp_path, monkeypatch, where):
    def fail(*arguments):
        raise RuntimeError("no ink")

    monkeypatch.setattr(where, fail)
    data, out = write_coco(tmp_path / "data", count=6), tmp_path / "out"
    outcome = maskrcnn("evaluate", data, "--model", tiny_file, "--out", out, "--bootstrap", 0)
    assert outcome.code == 0
    assert "report.html could not be made" in outcome.err and "no ink" in outcome.err
    assert [path.name for path in out.iterdir()] == ["metrics.json"]


def test_a_training_with_validation_data_ends_with_one(maskrcnn, tiny_file, tmp_path):
    data, out = write_coco(tmp_path / "data"), tmp_path / "run"
    outcome = maskrcnn("train", data, "--val", data, "--model", tiny_file, "--out", out, "--epochs", 1, "--workers", 0)
    assert outcome.code == 0, outcome
    assert str(out / "report.html") in outcome.err
    found = Page((out / page.NAME).read_text(encoding="utf-8"))
    assert found.data["metrics"] == json.loads((out / "metrics.json").read_text())


def test_it_says_that_the_validation_loss_has_risen(maskrcnn, tiny_file, tmp_path):
    data, run, out = write_coco(tmp_path / "data"), tmp_path / "run", tmp_path / "out"
    run.mkdir()
    shutil.copy(tiny_file, run / "best.safetensors")
    for losses, said in (((1.0, 0.8, 0.7), False), ((1.0, 0.8, 0.9, 1.0), True)):
        lines = [json.dumps({"epoch": k + 1, "val/loss": loss}) for k, loss in enumerate(losses)]
        (run / "log.jsonl").write_text("\n".join(lines) + "\n")
        outcome = maskrcnn("evaluate", data, "--model", run / "best.safetensors", "--out", out, "--bootstrap", 0)
        assert outcome.code == 0, outcome
        found = Page((out / page.NAME).read_text(encoding="utf-8"))
        assert ("lowest after epoch 2 (0.800) and has risen to 1.000" in found.text) == said


def test_a_training_without_them_ends_without(maskrcnn, tiny_file, tmp_path):
    data, out = write_coco(tmp_path / "data"), tmp_path / "run"
    assert maskrcnn("train", data, "--model", tiny_file, "--out", out, "--epochs", 1, "--workers", 0).code == 0
    assert not (out / page.NAME).exists()


def test_a_training_is_not_lost_with_its_page(maskrcnn, tiny_file, tmp_path, monkeypatch):
    monkeypatch.setattr("maskrcnn.jobs.evaluate.evaluate", lambda *a, **k: 1 / 0)
    data, out = write_coco(tmp_path / "data"), tmp_path / "run"
    outcome = maskrcnn("train", data, "--val", data, "--model", tiny_file, "--out", out, "--epochs", 1, "--workers", 0)
    assert outcome.code == 0 and (out / "best.safetensors").is_file()
    assert "could not be made" in outcome.err


def test_what_is_not_html_is_escaped():
    assert tag("p", "<b>", tag("i", "&"), title='"') == '<p title="&quot;">&lt;b&gt;<i>&amp;</i></p>'
    assert "</script><" not in data("x", ["</script><b>"])


def test_numbers_and_names_read_as_words():
    assert (count(1, "object"), count(1200, "object")) == ("1 object", "1,200 objects")
    assert listing(["a", "b", "c", "d"]) == "a, b, c and 1 more"
    assert listing(["a", "b"]) == "a and b"
    assert tally([("a", 1), ("b", 0), ("c", 5)]) == "c (5) and a (1)"
    assert tally([("a", 1), ("b", 2), ("c", 5), ("d", 4)], 2) == "c (5), d (4) and others (3)"
