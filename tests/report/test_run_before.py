"""The report's last line, and what it says of the run before."""

import json
import re
import shlex
from html import unescape
from pathlib import Path

import pytest

from maskrcnn.jobs.results.run_before import earlier_folders, run_before
from maskrcnn.report.sections.next_command import command_of
from tiny import write_coco


@pytest.mark.parametrize(
    ("out", "earlier"),
    [
        ("runs/a-3", ["runs/a-2", "runs/a"]),
        ("runs/a-2/judged", ["runs/a/judged"]),
        ("runs/a", []),
        ("runs/day-1", []),
        ("runs/a-b-2", ["runs/a-b"]),
    ],
)
def test_runs_before_are_those_of_lower_numbers(out, earlier):
    assert earlier_folders(Path(out)) == [Path(folder) for folder in earlier]


def test_only_measures_of_the_same_data_are_compared(tmp_path):
    now = {"data": "D", "images": 4, "objects": 9, "max_detections": 100, "mask/AP": 0.5}
    for name, content in (("a", now), ("a-2", now | {"images": 3}), ("a-3", "{"), ("a-4", [1])):
        (tmp_path / name).mkdir()
        (tmp_path / name / "metrics.json").write_text(content if isinstance(content, str) else json.dumps(content))
    before = run_before(tmp_path / "a-5", now)
    assert before is not None and before.folder == str(tmp_path / "a")  # the others cannot be compared
    assert run_before(tmp_path / "a-5", now | {"data": "E"}) is None


def test_the_command_is_one_that_a_shell_reads():
    command = command_of("my runs/best.safetensors", 0.3)
    assert command == "maskrcnn predict PHOTOS --model 'my runs/best.safetensors' --score 0.3 --out found"


def test_a_second_run_is_compared_and_its_page_ends_in_a_command(maskrcnn, tiny_file, tmp_path):
    data = write_coco(tmp_path / "data", count=6)
    for name in ("run", "run-2"):
        asked = ("evaluate", data, "--model", tiny_file, "--out", tmp_path / name, "--bootstrap", 20)
        assert maskrcnn(*asked).code == 0
    first, second = ((tmp_path / name / "report.html").read_text("utf-8") for name in ("run", "run-2"))
    assert 'id="before"' not in first
    value = json.loads((tmp_path / "run" / "metrics.json").read_text())["mask/AP"]
    sentence = re.search(r'<p id="before">(.*?)</p>', second)[1]
    assert f"of {value:.3f}, this one has {value:.3f} (+0.000)" in sentence and str(tmp_path / "run") in sentence
    assert "may be chance" in sentence
    *_, last = re.findall(r"<pre><code>(.*?)</code></pre>", second)
    assert shlex.split(unescape(last))[:5] == ["maskrcnn", "predict", "PHOTOS", "--model", str(tiny_file)]
    assert second.index("<pre>") > second.index('id="words"')
