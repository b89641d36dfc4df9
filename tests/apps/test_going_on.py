"""A prediction that is stopped leaves whole tables and goes on with ``--skip-done``, and two are never mixed."""

import csv
import json
import os
import shutil
import signal
import subprocess
import sys

import pytest

from maskrcnn.inference.predictor import Predictor
from maskrcnn.inference.results.journal import read_past, remove_results
from tiny import save_photo
from tiny_signals import save_tiny_signal_model


def contents(folder):
    """Every file of a folder, by name."""
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def assert_whole(out):
    """The list and the table can be read and tell of the same objects."""
    entries = json.loads((out / "predictions.json").read_text())
    with (out / "summary.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [entry["file_name"] for entry in entries] == [row["file"] for row in rows]
    assert not list(out.rglob(".*.png")), "a picture was left half written"


def heed_interrupts():
    """What a shell runs in the background ignores SIGINT, and so would its children."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


@pytest.fixture
def photos(tmp_path):
    for k in range(6):
        save_photo(tmp_path / "photos" / f"{k}.png", seed=k)
    save_photo(tmp_path / "photos" / "deep" / "3.png", seed=9)
    return tmp_path / "photos"


@pytest.fixture
def predict(maskrcnn, tiny_file):
    def run(*arguments):
        return maskrcnn("predict", *arguments, "--model", tiny_file)

    return run


@pytest.fixture
def stop_after(monkeypatch):
    """``stop_after(3)``: Ctrl-C comes while the model looks at the fourth image."""

    whole = Predictor.predict

    def stop(count):
        seen = []

        def interrupted(self, images, *rest):
            seen.extend(images)
            if len(seen) > count:
                raise KeyboardInterrupt
            return whole(self, images, *rest)

        monkeypatch.setattr(Predictor, "predict", interrupted)

    return stop


FLAGS = [(), ("--cutouts", "--label-maps"), ("--batch", "2")]


@pytest.mark.parametrize("flags", FLAGS, ids=" ".join)
@pytest.mark.parametrize("count", [0, 1, 4])
def test_what_was_stopped_goes_on_and_ends_as_an_unbroken_run(predict, photos, tmp_path, stop_after, flags, count):
    asked = (photos, "--out", tmp_path / "out", *flags)
    assert predict(*asked).code == 0
    shutil.move(tmp_path / "out", tmp_path / "unbroken")
    stop_after(count)
    stopped = predict(*asked)
    assert stopped.code == 130 and "stopped; " in stopped.err
    if count > 1:
        assert_whole(tmp_path / "out")
    stop_after(10**9)
    again = predict(*asked, "--skip-done")
    assert again.code == 0, again.err
    assert contents(tmp_path / "out") == contents(tmp_path / "unbroken")


def test_recordings_go_on_too(maskrcnn, tmp_path, monkeypatch):
    import numpy as np

    for k in range(4):
        samples = np.random.default_rng(k).normal(size=(1, 400)).astype(np.float32)
        (tmp_path / "in").mkdir(exist_ok=True)
        np.savez(tmp_path / "in" / f"{k}.npz", samples=samples, rate=100.0)
    model = save_tiny_signal_model(tmp_path / "model.safetensors")
    asked = ("predict", tmp_path / "in", "--model", model, "--out", tmp_path / "out", "--score", 0.01)
    whole = maskrcnn(*asked)
    assert whole.code == 0, whole.err
    shutil.move(tmp_path / "out", tmp_path / "unbroken")
    seen, predict = [], Predictor.predict

    def interrupted(self, images, *rest):
        seen.extend(images)
        if len(seen) == 3:
            raise KeyboardInterrupt
        return predict(self, images, *rest)

    monkeypatch.setattr(Predictor, "predict", interrupted)
    assert maskrcnn(*asked).code == 130
    assert maskrcnn(*asked, "--skip-done").code == 0
    assert contents(tmp_path / "out") == contents(tmp_path / "unbroken")


def test_new_files_are_added_and_what_is_done_is_not_done_again(predict, photos, tmp_path):
    asked = (photos, "--out", tmp_path / "out")
    first = predict(*asked)
    save_photo(photos / "new.png", seed=20)
    before = contents(tmp_path / "out")
    second = predict(*asked, "--skip-done")
    assert second.out.splitlines()[0].startswith(f"{photos / 'new.png'}: ")
    assert " in 8 images, 7 of them done before; " in second.out and len(second.out.splitlines()) == 2
    after = contents(tmp_path / "out")
    assert set(after) - set(before) == {"new.png"}
    assert after["summary.csv"].startswith(before["summary.csv"])
    assert " in 7 images; " in first.out


def test_nothing_is_left_to_do(predict, photos, tmp_path):
    asked = (photos, "--out", tmp_path / "out", "--skip-done")
    assert predict(*asked).code == 0
    before = contents(tmp_path / "out")
    outcome = predict(*asked)
    assert outcome.code == 0 and "7 of them done before" in outcome.out
    assert contents(tmp_path / "out") == before


def test_what_was_printed_meanwhile_does_not_matter(predict, photos, tmp_path):
    asked = (photos, "--out", tmp_path / "out", "--skip-done")
    assert predict(*asked, "--json").code == 0
    outcome = predict(*asked)
    assert outcome.code == 0 and "7 of them done before" in outcome.out


def test_a_file_that_failed_is_tried_again(predict, photos, tmp_path):
    (photos / "2.png").write_text("no image")
    asked = (photos, "--out", tmp_path / "out")
    assert predict(*asked).code == 1
    save_photo(photos / "2.png", seed=2)
    again = predict(*asked, "--skip-done")
    assert again.code == 0 and again.out.startswith(f"{photos / '2.png'}: ")


def test_the_same_files_are_done_anew_and_nothing_of_before_stays(predict, photos, tmp_path):
    asked = (photos, "--out", tmp_path / "out")
    predict(*asked, "--cutouts", "--label-maps")
    assert any(name.startswith("cutouts/") for name in contents(tmp_path / "out"))
    predict(*asked)
    names = {name for name in contents(tmp_path / "out") if not name.startswith(".")}
    assert names == {"predictions.json", "summary.csv", "3-2.png", *(f"{k}.png" for k in range(6))}


def test_other_files_do_not_join_them(predict, refused, tiny_file, photos, tmp_path):
    out = tmp_path / "out"
    predict(photos / "0.png", "--out", out)
    before = contents(out)
    sentence = refused("predict", photos / "1.png", "--out", out, "--model", tiny_file)
    assert "--overwrite" in sentence and "name another folder with --out" in sentence
    assert contents(out) == before
    (out / "notes.txt").write_text("mine")
    assert predict(photos / "1.png", "--out", out, "--overwrite").code == 0
    names = {name for name in contents(out) if not name.startswith(".")}
    assert names == {"1.png", "predictions.json", "summary.csv", "notes.txt"}


def test_without_out_other_files_get_a_folder_of_their_own(predict, photos, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert predict("photos/0.png").out.endswith(" are in out\n")
    assert predict("photos/1.png").out.endswith(" are in out-2\n")
    assert predict("photos/2.png").out.endswith(" are in out-3\n")
    assert predict("photos/1.png", "photos/0.png").out.endswith(" are in out\n")
    assert " in 7 images; " in predict("photos").out  # pictures in folders of results are no photos
    assert " in 7 images; " in predict(".").out


def test_a_run_that_was_stopped_is_not_lost_by_forgetting_the_flag(
    predict, refused, tiny_file, photos, tmp_path, stop_after
):
    asked = (photos, "--out", tmp_path / "out")
    stop_after(4)
    predict(*asked)
    stop_after(10**9)
    sentence = refused("predict", *asked, "--model", tiny_file)
    assert "stopped after 4 inputs" in sentence and "--skip-done" in sentence and "--overwrite" in sentence


@pytest.mark.parametrize("flag", [("--score", 0.7), ("--label-maps",)])
def test_going_on_otherwise_than_it_began_is_refused(predict, refused, tiny_file, photos, tmp_path, flag):
    asked = (photos, "--out", tmp_path / "out")
    predict(*asked)
    sentence = refused("predict", *asked, *flag, "--skip-done", "--model", tiny_file)
    assert flag[0] in sentence


def test_results_of_who_knows_when_are_not_replaced_unasked(predict, refused, tiny_file, photos, tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "predictions.json").write_text("[]")
    asked = ("predict", photos, "--out", tmp_path / "out", "--model", tiny_file)
    assert "--overwrite" in refused(*asked)
    assert "--overwrite" in refused(*asked, "--skip-done")
    assert predict(photos, "--out", tmp_path / "out", "--overwrite").code == 0


def test_a_list_that_was_shortened_since_is_refused(predict, refused, tiny_file, photos, tmp_path):
    asked = (photos, "--out", tmp_path / "out")
    predict(*asked)
    (tmp_path / "out" / "summary.csv").write_text("file")
    save_photo(photos / "new.png")
    assert "summary.csv is not as it was left" in refused("predict", *asked, "--skip-done", "--model", tiny_file)


def test_a_journal_removes_nothing_outside_its_folder(tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "mine.txt").write_text("mine")
    line = {"input": ["a", "a"], "objects": 0, "names": [], "files": ["../mine.txt", str(tmp_path / "mine.txt")]}
    text = "\n".join([json.dumps({"settings": {}}), json.dumps({**line, "lists": {}}), ""])
    (tmp_path / "out" / ".predictions.jsonl").write_text(text)
    past = read_past(tmp_path / "out")
    assert past is not None and past.lines and not past.finished
    remove_results(tmp_path / "out", past)
    assert (tmp_path / "mine.txt").read_text() == "mine" and not list((tmp_path / "out").iterdir())


@pytest.mark.parametrize("text", ["", "no json\n", "[]\n", '{"settings": 3}\n', '{"settings": {}}\n{"input": 1}\n'])
def test_a_journal_that_makes_no_sense_is_none(tmp_path, text):
    (tmp_path / ".predictions.jsonl").write_text(text)
    assert read_past(tmp_path) is None or not read_past(tmp_path).lines


@pytest.mark.skipif(os.name != "posix", reason="signals are posix's")
def test_ctrl_c_on_200_images_leaves_whole_tables_and_the_rest_follows(predict, tiny_file, tmp_path):
    photos, out = tmp_path / "photos", tmp_path / "out"
    for k in range(200):
        save_photo(photos / f"{k:03}.png", 24, 32, seed=k)
    command = [sys.executable, "-m", "maskrcnn", "predict", photos, "--model", tiny_file, "--out", out, "--skip-done"]
    for lines in (1, 57):  # of this run, then it is interrupted somewhere between two of them
        running = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, preexec_fn=heed_interrupts
        )
        for _ in range(lines):
            assert running.stdout.readline()
        running.send_signal(signal.SIGINT)
        _, told = running.communicate(timeout=120)
        assert running.returncode == 130, told
        assert "inputs are done: predictions.json and summary.csv in" in told
        assert_whole(out)
    assert predict(photos, "--out", out, "--skip-done").code == 0
    assert predict(photos, "--out", tmp_path / "unbroken").code == 0
    assert contents(out) == contents(tmp_path / "unbroken")
