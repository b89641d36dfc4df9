"""Which sequence a feature lies on: columns and references that name one, circles, and sequences that are none."""

from __future__ import annotations

import gzip

import numpy as np
import pytest

from maskrcnn.errors import DataError
from maskrcnn.modalities.open import open_dataset
from maskrcnn.modalities.signals.find import find_signals, is_signal
from maskrcnn.modalities.signals.read import read_signal

pytest.importorskip("Bio")
BASES = "".join("ACGT"[k] for k in np.random.default_rng(0).integers(0, 4, 2000))


def fasta(folder, name="chr1", file="a.fa", bases=BASES):
    (folder / file).write_text(f">{name} some words\n{bases}\n")
    return folder / file


def gff(folder, *rows, file="a.gff3"):
    lines = [f"{name}\tx\t{kind}\t{low}\t{high}\t.\t+\t.\t{more}" for name, kind, low, high, more in rows]
    (folder / file).write_text("##gff-version 3\n" + "\n".join(lines) + "\n")


def genbank(folder, *features, topology="linear", file="a.gb", size="2000 bp", version="XY_1.2"):
    lines = [
        f"LOCUS       XY_1  {size}  DNA  {topology}  BCT 01-JAN-2020",
        "ACCESSION   XY_1",
        f"VERSION     {version}",
    ]
    lines += ["FEATURES             Location/Qualifiers", *(f"     gene            {place}" for place in features)]
    lines += ["ORIGIN", *(f"{k + 1:>9} {BASES[k : k + 60].lower()}" for k in range(0, 2000, 60)), "//", ""]
    (folder / file).write_text("\n".join(lines))
    return folder / file


@pytest.mark.parametrize("name, column", [
    ("chr1", "chr1"), ("NC_1.2", "NC_1.2"), ("NC_1.2", "NC_1"), ("NC_1", "NC_1.2"), ("gi|9|ref|NC_1.2|", "NC_1.2"),
    ("a%b", "a%25b"), ("anything", "a"),
])  # fmt: skip
def test_features_of_the_sequence_are_read_and_those_of_others_are_not(tmp_path, name, column):
    fasta(tmp_path, name)
    gff(tmp_path, (column, "gene", 101, 200, "ID=1"), ("chr2", "gene", 501, 900, "ID=2"))
    data = open_dataset(tmp_path)
    assert data[0].boxes.tolist() == [[100, 200]]
    assert any("features of other sequences were left out (1)" in problem for problem in data.problems)


@pytest.mark.parametrize("column", ["chr2", "NC_1.1", "chr"])
def test_features_of_other_sequences_only_are_refused(tmp_path, column):
    fasta(tmp_path, "NC_1.2")
    gff(tmp_path, (column, "gene", 101, 200, "ID=1"))
    with pytest.raises(DataError, match=f"a.gff3 has features of {column} only, and the sequence is called NC_1.2"):
        open_dataset(tmp_path)


@pytest.mark.parametrize("rows", [
    [("chr1", "gene", 1901, 2100, "ID=1")],
    [("chr1", "gene", 1901, 2000, "ID=1"), ("chr1", "gene", 1, 100, "ID=1")],
])  # fmt: skip
def test_a_feature_over_the_origin_of_a_circle_is_two_with_an_unknown_side(tmp_path, rows):
    fasta(tmp_path)
    gff(tmp_path, ("chr1", "region", 1, 2000, "ID=chr1;Is_circular=true"), *rows)
    record = open_dataset(tmp_path)[0]
    assert record.boxes.tolist() == [[0, 100], [1900, 2000]]
    assert record.unknown_sides.tolist() == [[True, False], [False, True]]


def test_without_a_circle_what_passes_the_end_is_cut_and_said(tmp_path):
    fasta(tmp_path)
    gff(tmp_path, ("chr1", "gene", 1901, 2100, "ID=1"), ("chr1", "gene", 5, 9, "ID=2"))
    data = open_dataset(tmp_path)
    assert data[0].boxes.tolist() == [[4, 9], [1900, 2000]] and "was cut off (1" in data.problems[0]


@pytest.mark.parametrize("place, box, unknown", [
    ("join(1001..1100,U1.1:1..270)", [1000, 1100], [False, True]),
    ("join(U1.1:1..270,1001..1100)", [1000, 1100], [True, False]),
    ("join(U1.1:1..270,1001..1100,U2.1:1..2)", [1000, 1100], [True, True]),
    ("join(1001..1100,U1.1:1..270,1201..1300)", [1000, 1300], [False, False]),
    ("complement(join(1001..1100,U1.1:1..270))", [1000, 1100], [False, True]),
    ("join(1001..1100,XY_1.2:1201..1300)", [1000, 1300], [False, False]),
])  # fmt: skip
def test_parts_on_other_sequences_make_a_side_unknown(tmp_path, place, box, unknown):
    data = open_dataset(genbank(tmp_path, place, "U3.1:5..9", "10..20"))
    assert data[0].boxes.tolist() == [[9, 20], box] and data[0].unknown_sides.tolist()[1] == unknown
    assert any("other sequences were left out (1)" in problem for problem in data.problems)


def test_a_feature_of_an_unknown_place_costs_itself_only(tmp_path):
    data = open_dataset(genbank(tmp_path, "?..20", "30..40"))
    assert [30 - 1, 40] in data[0].boxes.tolist()


@pytest.mark.parametrize("number", ["9" * 30, "9" * 5000, "²", "-5", "0"])
def test_positions_that_no_sequence_has_cost_their_line_only(tmp_path, number):
    fasta(tmp_path)
    gff(tmp_path, ("chr1", "gene", 101, 200, "ID=1"), ("chr1", "gene", number, "9" * 30, "ID=2"))
    data = open_dataset(tmp_path)
    assert data[0].boxes.tolist() == [[100, 200]] and "line 3 is no feature of GFF3" in data.problems[0]


def test_amino_acids_are_refused(tmp_path):
    protein = "MNNRWILHAAFLLCFSTTALSINYKQLQLQERTNIRKCQELLEQLNGKINLTYRADFKIPMEMTEKMQKSYTAF"
    (tmp_path / "a.gb").write_text(
        "LOCUS       NP_034640     75 aa     ROD       01-NOV-2000\nVERSION     NP_034640.1\nFEATURES\n"
        f"ORIGIN\n        1 {protein.lower()}\n//\n"
    )
    fasta(tmp_path, file="b.fa", bases=protein)
    for name in ("a.gb", "b.fa"):
        with pytest.raises(DataError, match=f"{name} holds amino acids"):
            read_signal(tmp_path / name)


def test_letters_of_iupac_are_bases_and_others_are_counted(tmp_path):
    assert read_signal(fasta(tmp_path, bases="ACGTNRYSWKMBDHVU" * 20)).notes == ()
    assert "2 letters are no bases" in read_signal(fasta(tmp_path, file="b.fa", bases=BASES + "EQ")).notes[0]


def test_packed_files_are_read(tmp_path):
    for path in (fasta(tmp_path), genbank(tmp_path, "11..20", file="b.gb")):
        plain = read_signal(path).samples
        path.with_name(f"{path.name}.gz").write_bytes(gzip.compress(path.read_bytes()))
        path.unlink()
        assert read_signal(f"{path}.gz").samples.equal(plain) and is_signal(f"{path}.gz")
    gff(tmp_path, ("chr1", "gene", 101, 200, "ID=1"))
    (tmp_path / "a.gff3.gz").write_bytes(gzip.compress((tmp_path / "a.gff3").read_bytes()))
    (tmp_path / "a.gff3").unlink()
    assert [path.name for path in find_signals(tmp_path)] == ["a.fa.gz", "b.gb.gz"]
    assert sorted(record.boxes.tolist() for record in open_dataset(tmp_path)) == [[[10, 20]], [[100, 200]]]
    (tmp_path / "a.fa.gz").write_bytes((tmp_path / "a.fa.gz").read_bytes()[:-300])
    with pytest.raises(DataError, match="a.fa.gz is no fasta"):
        read_signal(tmp_path / "a.fa.gz")


def test_results_name_the_sequence_as_its_file_does(tmp_path):
    signals = [read_signal(fasta(tmp_path, "NC_5.1")), read_signal(genbank(tmp_path, "1..2"))]
    assert [signal.sequence for signal in signals] == ["NC_5.1", "XY_1.2"]
