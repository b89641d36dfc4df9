from __future__ import annotations

import csv
import importlib
import json
import wave
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from maskrcnn.errors import UsageError
from maskrcnn.modalities.signals.results.field_files import peak_of, strand_of
from maskrcnn.modalities.signals.results.intervals import found_intervals
from maskrcnn.modalities.signals.results.writer import SignalWriter
from signals_found import Recording, dna, found, recording

WAVES = ["P", "QRS", "T"]


def write(out: Path, signal, detections, names, source: str = "in/rec.hea", **options) -> SignalWriter:
    writer = SignalWriter(out, names, cutouts=options.pop("cutouts", False))
    writer.add(source, signal, detections, **options)
    writer.close()
    return writer


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_table_list_and_picture(tmp_path: Path) -> None:
    masks = [[50, 51, 52, 55], [10, 11, 12]]
    detections = found(200, [(49.6, 56.4), (10, 13)], [3, 1], [0.51239, 0.9], masks)
    write(tmp_path / "out", recording(200), detections, WAVES)
    assert Image.open(tmp_path / "out" / "rec.png").width == 2000
    first, second = json.loads((tmp_path / "out" / "predictions.json").read_text(encoding="utf-8"))
    assert (first["object"], first["category"], first["mask"]) == (1, "P", [[10, 13]])  # by start, not by score
    assert second == {
        "file_name": "in/rec.hea",
        "id": "rec",
        "object": 2,
        "category": "T",
        "category_id": 3,
        "score": 0.5124,
        "start_sample": 49.6,
        "end_sample": 56.4,
        "start_s": 0.496,
        "end_s": 0.564,
        "samples": 4,
        "mask": [[50, 53], [55, 56]],
    }
    table = rows(tmp_path / "out" / "rec.csv")
    assert table == rows(tmp_path / "out" / "summary.csv")
    assert table[0] == {
        "file": "in/rec.hea",
        "object": "1",
        "class": "P",
        "score": "0.9",
        "start_sample": "10.0",
        "end_sample": "13.0",
        "start_s": "0.1",
        "end_s": "0.13",
        "samples": "3",
    }


def test_wfdb_annotations_come_back(tmp_path: Path) -> None:
    wfdb = pytest.importorskip("wfdb")
    samples = np.zeros((2, 400), dtype=np.float32)
    samples[:, 35], samples[1, 75] = 1, -2
    signal = Recording(torch.from_numpy(samples), 250.0, ("I", "II"))
    detections = found(400, [(70.4, 80.4), (30, 41), (80, 120)], [2, 1, 4])
    write(tmp_path, signal, detections, [*WAVES, "artefact, by hand/é"], "in/a b.hea")
    marks = wfdb.rdann(str(tmp_path / "a b"), "mrc")
    assert marks.fs == 250
    # 30 to 40, 70 to 79, 80 to 119: the last sample belongs
    assert marks.sample.tolist() == [30, 35, 40, 70, 75, 79, 80, 80, 119]
    assert "".join(marks.symbol) == '(p)(N)(")'
    assert marks.num.tolist() == [0, 0, 0, 1, 1, 1, 7, 7, 7]
    assert marks.aux_note[7] == "artefact, by hand/é"
    assert {path.name for path in tmp_path.iterdir()} == {
        "a b.png",
        "a b.csv",
        "a b.mrc",
        "predictions.json",
        "summary.csv",
    }


def test_wfdb_brackets_are_never_nested(tmp_path: Path) -> None:
    wfdb = pytest.importorskip("wfdb")
    samples = np.zeros((1, 200), dtype=np.float32)
    samples[0, [35, 60]] = 1
    detections = found(200, [(30, 50), (48, 70)], [1, 2])
    write(tmp_path, Recording(torch.from_numpy(samples), 250.0, ("I",)), detections, WAVES)
    marks = wfdb.rdann(str(tmp_path / "rec"), "mrc")
    assert "".join(marks.symbol) == "(p)(N)" and marks.sample.tolist() == [30, 35, 47, 48, 60, 69]


def test_wfdb_annotations_of_nothing_can_be_read(tmp_path: Path) -> None:
    wfdb = pytest.importorskip("wfdb")
    write(tmp_path, recording(100), found(100, [], []), WAVES)
    assert len(wfdb.rdann(str(tmp_path / "rec"), "mrc").sample) == 0
    assert rows(tmp_path / "rec.csv") == [] and json.loads((tmp_path / "predictions.json").read_text()) == []


def test_without_wfdb_the_rest_is_written_and_one_sentence_says_so(tmp_path: Path, monkeypatch) -> None:
    real = importlib.import_module

    def without(name: str, *args):
        if name == "wfdb":
            raise ImportError(name)
        return real(name, *args)

    monkeypatch.setattr(importlib, "import_module", without)
    writer = SignalWriter(tmp_path, WAVES)
    for folder in "ab":
        writer.add(f"{folder}/x.hea", recording(100), found(100, [(5, 9)], [1]))
    writer.close()
    assert len(writer.remarks) == 1 and "maskrcnn[signals]" in writer.remarks[0]
    assert not list(tmp_path.glob("*.mrc")) and (tmp_path / "x-2.csv").is_file()
    assert len(rows(tmp_path / "summary.csv")) == 2


def test_audacity_labels(tmp_path: Path) -> None:
    signal = recording(16000, rate=8000.0, kind="audio")
    write(tmp_path, signal, found(16000, [(8000, 8004), (0.5, 4000)], [1, 2]), ["one\ttwo\n", "six"], "in/x.wav")
    assert (tmp_path / "x.txt").read_bytes() == b"0.000063\t0.500000\tsix\n1.000000\t1.000500\tone two\n"


def test_gff3_counts_from_one_and_bed_from_zero(tmp_path: Path) -> None:
    signal = dna("ACGTACGTAA")
    detections = found(10, [(0, 4), (5.2, 9.9)], [1, 2], [0.9, 0.25])
    write(tmp_path, signal, detections, ["tRNA; a=b", "gene-"], "in/c.fasta", sequence="chr 1")
    assert (tmp_path / "c.gff3").read_text().splitlines() == [
        "##gff-version 3",
        "##sequence-region chr%201 1 10",
        "chr%201\tmaskrcnn\ttRNA%3B%20a%3Db\t1\t4\t0.9000\t.\t.\tID=tRNA%3B%20a%3Db-1",
        "chr%201\tmaskrcnn\tgene\t6\t10\t0.2500\t-\t.\tID=gene-2",
    ]
    assert (tmp_path / "c.bed").read_text().splitlines() == [
        "chr_1\t0\t4\ttRNA; a=b\t900\t.",
        "chr_1\t5\t10\tgene\t250\t-",
    ]
    table = rows(tmp_path / "c.csv")
    assert [(row["first_bp"], row["last_bp"]) for row in table] == [("1", "4"), ("6", "10")]
    assert "start_s" not in table[0]


def test_a_class_may_name_its_strand() -> None:
    assert [strand_of(name) for name in ("gene+", "gene (-)", "gene -", "CDS", "-", "a-b")] == [
        ("gene", "+"),
        ("gene", "-"),
        ("gene", "-"),
        ("CDS", "."),
        ("-", "."),
        ("a-b", "."),
    ]


def test_series_have_no_seconds_where_there_is_no_clock(tmp_path: Path) -> None:
    signal = recording(50, rate=1.0, kind="series", unit="samples")
    write(tmp_path, signal, found(50, [(3, 9)], [1]), ["step"], "in/s.csv")
    assert set(rows(tmp_path / "summary.csv")[0]) == {
        "file",
        "object",
        "class",
        "score",
        "start_sample",
        "end_sample",
        "samples",
    }
    assert {path.name for path in tmp_path.iterdir()} == {"s.png", "s.csv", "predictions.json", "summary.csv"}


def test_names_are_free_whatever_their_case_and_never_the_job_s_own(tmp_path: Path) -> None:
    writer = SignalWriter(tmp_path, WAVES)
    sources = ("a/X.hea", "b/x.hea", "c/Summary.hea", "d/007.hea")
    names = [writer.add(source, recording(60), found(60, [(3, 9)], [1])).name for source in sources]
    assert names == ["X.png", "x-2.png", "Summary-2.png", "007.png"]
    writer.close()
    assert [entry["id"] for entry in writer.lists.entries()] == ["X", "x-2", "Summary-2", 7]


def test_results_never_fall_among_the_recordings(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="recordings"):
        SignalWriter(tmp_path, WAVES).add(tmp_path / "x.hea", recording(60), found(60, [], []))
    with pytest.raises(UsageError, match="recordings"):
        SignalWriter(tmp_path, WAVES).add(tmp_path / "cutouts" / "x.wav", recording(60), found(60, [], []))


def test_boxes_beyond_the_ends_and_thinner_than_a_sample() -> None:
    objects = found_intervals(found(10, [(-2, 3), (4.6, 4.7), (9.8, 10), (10, 14)], [1, 1, 1, 1]), ["x"], 10)
    assert [(found.first, found.stop, found.covered) for found in objects] == [
        (0, 3, 3),
        (5, 6, 1),
        (9, 10, 1),
        (9, 10, 1),
    ]


def test_the_peak_is_farthest_from_the_line_between_the_ends() -> None:
    drifting = np.array([[0, 10, 20, 35, 40, 50.0], [0, 0, 1, 0, 0, 0]])
    assert peak_of(drifting) == 3
    assert peak_of(np.ones((2, 1))) == 0


def test_cutouts_of_a_sound(tmp_path: Path) -> None:
    signal = Recording(torch.linspace(-1.5, 1.5, 1000)[None], 8000.0, ("left",), "audio")
    write(tmp_path, signal, found(1000, [(100, 150)], [1]), ["../a/b c"], "in/x.wav", cutouts=True)
    (clip,) = (tmp_path / "cutouts").iterdir()
    assert clip.name == "x_cutout_1_-a-b-c.wav"
    with wave.open(str(clip)) as file:
        assert (file.getframerate(), file.getnchannels(), file.getnframes()) == (8000, 1, 50)
        values = np.frombuffer(file.readframes(50), "<i2")
    np.testing.assert_allclose(values / 32767, signal.samples[0, 100:150].clip(-1, 1).numpy(), atol=2e-5)


def test_cutouts_of_bases(tmp_path: Path) -> None:
    signal = dna("AACGTNGGTA")
    detections = found(10, [(1, 6), (1, 6)], [1, 2], [0.5, 0.5])
    write(tmp_path, signal, detections, ["gene", "gene-"], "in/x.fa", cutouts=True, sequence="NC_1")
    texts = [(tmp_path / "cutouts" / f"x_cutout_{name}.fasta").read_text() for name in ("1_gene", "2_gene-")]
    assert texts == [">NC_1:2-6 gene score=0.5000\nACGTN\n", ">NC_1:2-6(-) gene score=0.5000\nNACGT\n"]


def test_cutouts_of_leads(tmp_path: Path) -> None:
    signal = Recording(torch.arange(40.0).reshape(2, 20), 100.0, ("I", "II"))
    write(tmp_path, signal, found(20, [(4, 7)], [2], masks=[[4, 6]]), WAVES, cutouts=True)
    assert (tmp_path / "cutouts" / "rec_cutout_1_QRS.csv").read_text().splitlines() == [
        "sample,time_s,I,II,covered",
        "4,0.040000,4,24,1",
        "5,0.050000,5,25,0",
        "6,0.060000,6,26,1",
    ]
