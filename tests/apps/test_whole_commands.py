"""Labels of whole files as a user has them: trained, predicted, judged, and refused in one sentence."""

from __future__ import annotations

import csv
import json

import numpy as np
import pytest
from PIL import Image

from maskrcnn.checkpoints.ours import read_info
from maskrcnn.modalities.label_table import read_label_table
from maskrcnn.modalities.whole_files import open_whole_files
from tiny import noise

FEW = ("--epochs", 1, "--batch", 4, "--workers", 0)
HEAD = "file,red\n"


def write_pictures(folder, count=12):
    """Noise; every other one has a red square."""
    folder.mkdir(parents=True)
    for k in range(count):
        pixels = noise(seed=k)
        if k % 2:
            pixels[10:26, 4 * (k % 8) : 4 * (k % 8) + 16] = (230, 20, 20)
        Image.fromarray(pixels).save(folder / f"p{chr(97 + k * 7 % 26)}.png")
    return [f"p{chr(97 + k * 7 % 26)}.png" for k in range(count)]


def write_table(path, rows, head=HEAD):
    path.write_text(head + "".join(f"{','.join(map(str, row))}\n" for row in rows))
    return path


@pytest.fixture
def pictures(tmp_path):
    names = write_pictures(tmp_path / "pics")
    return tmp_path / "pics", write_table(tmp_path / "labels.csv", [(name, k % 2) for k, name in enumerate(names)])


def test_labels_of_whole_pictures_are_learned_told_and_judged(maskrcnn, tiny_file, pictures, tmp_path):
    folder, table = pictures
    out, best = tmp_path / "run", tmp_path / "run" / "best.safetensors"
    small = ("--image-size", 64, *FEW)
    outcome = maskrcnn("train", folder, "--val", folder, "--labels", table, "--model", tiny_file, "--out", out, *small)
    assert outcome.code == 0 and "files are in both" in outcome.err
    plan = (out / "plan.yaml").read_text()
    assert "task: whole" in plan and "crop_size: 64" in plan
    info = read_info(best)
    assert info.class_names == ("red",) and not info.config.finds_objects and info.config.whole_head.kind == "labels"
    assert len(info.notes["parts"]["threshold"]) == 1
    metrics = json.loads((out / "metrics.json").read_text())
    assert 0 <= metrics["whole/AUC"] <= 1 and len(metrics["intervals"]["whole/AUC"]) == 2 and "box/AP" not in metrics
    page = (out / "report.html").read_text()
    assert "95 % interval" in page and "What says so" in page

    outcome = maskrcnn("predict", folder, "--model", best, "--out", tmp_path / "seen")
    assert outcome.code == 0
    whole = json.loads((tmp_path / "seen" / "images.json").read_text())
    assert len(whole) == 12 and all(0 <= entry["whole"][0] <= 1 for entry in whole)
    for entry in json.loads((tmp_path / "seen" / "predictions.json").read_text()):
        assert -1 <= entry["share_low"] <= entry["share"] <= entry["share_high"] <= 1 and entry["category"] == "red"

    judged = tmp_path / "judged"
    outcome = maskrcnn("evaluate", folder, "--labels", table, "--model", best, "--out", judged)
    assert outcome.code == 0 and "whole/AUC" in outcome.out
    assert json.loads((judged / "metrics.json").read_text())["whole/AUC"] == metrics["whole/AUC"]

    outcome = maskrcnn("train", folder, "--val", folder, "--out", out, "--resume")
    assert outcome.code == 0 and "has finished" in outcome.err


def test_sequences_with_numbers_are_learned_and_told(maskrcnn, tmp_path):
    random, rows = np.random.default_rng(0), []
    (tmp_path / "dna").mkdir()
    for k in range(8):
        (tmp_path / "dna" / f"s{k}.fasta").write_text(f">s{k}\n{''.join(random.choice(list('ACGT'), 96))}\n")
        rows.append((f"dna/s{k}.fasta", round(random.normal(), 3)))
    table, out = write_table(tmp_path / "t.csv", rows, "file,height\n"), tmp_path / "run"
    outcome = maskrcnn("train", tmp_path / "dna", "--labels", f"{table}:height", "--out", out, *FEW)
    assert outcome.code == 0 and read_info(out / "best.safetensors").config.whole_head.kind == "number"
    outcome = maskrcnn("predict", tmp_path / "dna", "--model", out / "best.safetensors", "--out", tmp_path / "seen")
    assert outcome.code == 0 and (tmp_path / "seen" / "s0.gff3").exists() and (tmp_path / "seen" / "s0.bed").exists()


@pytest.mark.parametrize(
    ("rows", "head", "words"),
    [
        ([("pa.png", 1), ("ph.png", 1)], HEAD, "one class alone"),
        ([("pa.png", 0), ("ph.png", 1)], HEAD, "labels 2 files of those there, and a training needs 4"),
        ([("other.png", 1), ("more.png", 0)], HEAD, "No row of"),
        ([("pa.png", "nan"), ("ph.png", "")], HEAD, "no row with a file and a label"),
        ([], HEAD, "is no table of labels"),
        ([("pa.png", "cat"), ("ph.png", "cat")], HEAD, "has the label cat"),
    ],
)
def test_tables_that_nothing_can_be_learned_from_are_refused_in_a_sentence(
    maskrcnn, pictures, rows, head, words, tmp_path
):
    folder, table = pictures
    if rows and rows[0][1] == "nan":
        rows = [("pa.png", "nan"), ("ph.png", "NA")]
        words = "the first fault"
    outcome = maskrcnn("train", folder, "--labels", write_table(table, rows, head), "--out", tmp_path / "run")
    assert outcome.code == 2 and words in outcome.err and outcome.err.count("maskrcnn: ") == 1


def test_a_table_that_is_not_there_and_a_model_without_such_labels(refused, pictures, tiny_file, tmp_path):
    folder, table = pictures
    assert "There is no table" in refused("train", folder, "--labels", tmp_path / "gone.csv", "--out", tmp_path / "run")
    words = refused("train", folder, "--labels", f"{table}:colour", "--out", tmp_path / "run")
    assert "has no column colour; it has file, red" in words
    assert "--labels takes a table" in refused("train", folder, "--labels", "nonsense", "--out", tmp_path / "run")
    assert "needs a table" in refused("train", folder, "--task", "whole", "--out", tmp_path / "run")
    words = refused("evaluate", folder, "--labels", table, "--model", tiny_file, "--out", tmp_path / "judged")
    assert "was not trained on such labels" in words


def test_rows_and_files_that_do_not_belong_together_are_named(pictures):
    folder, table = pictures
    lines = table.read_text().splitlines()
    table.write_text("\n".join([*lines[:-1], "gone.png,1", "pa.png,1", "", ",1", "po.png,nan"]) + "\n")
    data = open_whole_files([folder], str(table))
    told = " ".join(data.problems)
    assert "names gone.png, which is not there" in told and "pa.png is labelled twice" in told
    assert "has no row in" in told and "names no file" in told and "is 'nan'" in told
    assert len(data) == 11


@pytest.mark.parametrize(
    ("cells", "kind", "names", "first"),
    [
        (["0", "1", "1"], "labels", ("t",), [0]),
        (["yes", "no", "No"], "labels", ("t",), [1]),
        (["a", "b", "a"], "classes", ("a", "b"), [1, 0]),
        (["a;b", "b", ""], "labels", ("a", "b"), [1, 1]),
        (["1.5", "2", "-3"], "number", ("t",), [1.5]),
        (["1", "2", "3"], "number", ("t",), [1]),
    ],
)
def test_what_the_cells_of_a_table_mean(tmp_path, cells, kind, names, first):
    table = write_table(tmp_path / "t.csv", [(f"f{k}", cell) for k, cell in enumerate(cells)], "file,t\n")
    found = read_label_table(table)
    assert (found.kind, found.class_names, found.values["f0"].tolist()) == (kind, names, first)


def test_doctor_names_what_gives_a_label_away(maskrcnn, tmp_path):
    folder, rows = tmp_path / "pics", []
    folder.mkdir()
    for k in range(12):
        name = f"{'mri' if k % 2 else 'ct'}{k:02}.png"
        Image.fromarray(noise(48, 64 + 8 * (k % 2), seed=k)).save(folder / name)
        rows.append((name, k % 2))
    table = write_table(tmp_path / "t.csv", rows)
    report = tmp_path / "doctor.json"
    outcome = maskrcnn("doctor", folder, "--labels", table, "--quick", "--json", report)
    told = [finding for finding in json.loads(report.read_text())["findings"] if finding["code"] == "label-leak"]
    assert outcome.code == 0 and len(told) == 1
    assert {sentence.split(" of a file")[0] for sentence in told[0]["examples"]} == {"The size", "The name"}
    assert "12 files with labels of the whole" in outcome.out


def test_labels_that_nothing_gives_away_are_not_suspected(maskrcnn, pictures, tmp_path):
    folder, table = pictures
    report = tmp_path / "doctor.json"
    assert maskrcnn("doctor", folder, "--labels", table, "--quick", "--json", report).code == 0
    assert "label-leak" not in {finding["code"] for finding in json.loads(report.read_text())["findings"]}
    with table.open() as file:
        assert len(list(csv.DictReader(file))) == 12
