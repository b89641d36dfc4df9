from __future__ import annotations

import numpy as np
import pytest

from maskrcnn.errors import DataError
from maskrcnn.modalities.open import open_dataset
from maskrcnn.modalities.signals.find import find_signals
from maskrcnn.modalities.signals.read import read_signal

pytest.importorskip("Bio")
BASES = "acgtn" + "acgt" * 24 + "agc"  # 104


def write_genbank(path, features, bases=BASES, topology="circular", length=None):
    lines = [
        f"LOCUS       TEST                {length or len(bases)} bp    DNA     {topology} PLN 01-JAN-2020",
        "DEFINITION  a test.",
        "ACCESSION   TEST",
        "VERSION     TEST.1",
        "FEATURES             Location/Qualifiers",
        f"     source          1..{len(bases)}",
    ]
    for kind, location, *qualifiers in features:
        lines += [f"     {kind:<16}{location}", *(f"                     /{q}" for q in qualifiers)]
    lines.append("ORIGIN")
    for k in range(0, len(bases), 60):
        row = bases[k : k + 60]
        lines.append(f"{k + 1:>9} " + " ".join(row[j : j + 10] for j in range(0, len(row), 10)))
    path.write_text("\n".join([*lines, "//", ""]))
    return path


def test_bases_are_one_hot_and_n_is_a_quarter_of_each(tmp_path):
    for path in (write_genbank(tmp_path / "a.gb", []), tmp_path / "a.fasta"):
        path.exists() or path.write_text(f">a\n{BASES[:50]}\n{BASES[50:].upper().replace('T', 'U')}\n")
        signal = read_signal(path)
        expected = [[float(b == c) if b in "acgt" else 0.25 for b in BASES] for c in "acgt"]
        np.testing.assert_array_equal(signal.samples.numpy(), expected)
        assert (signal.rate, signal.unit, signal.kind, signal.channel_names) == (1, "bp", "dna", ("A", "C", "G", "T"))
        np.testing.assert_array_equal(read_signal(path, 3, 9).samples, signal.samples[:, 3:9])


def open_one(tmp_path, features, choice="", **options):
    data = open_dataset(f"{write_genbank(tmp_path / 'a.gb', features, **options)}{choice}")
    return data, data[0]


def test_genes_of_both_strands_with_their_exons(tmp_path):
    features = [
        ("gene", "11..20"),
        ("CDS", "11..20"),
        ("gene", "complement(join(31..40,51..60))"),
        ("gene", "join(5..8,15..18)"),
    ]
    data, record = open_one(tmp_path, features)
    assert data.class_names == ("gene",) and record.spatial_shape == (104,) and record.sampling_rate == 1
    assert record.boxes.tolist() == [[4, 18], [10, 20], [30, 60]] and record.extent is None
    assert record.areas.tolist() == [8, 10, 20]
    assert np.flatnonzero(record.regions.mask(2)).tolist() == [*range(30, 40), *range(50, 60)]
    assert data.read_image(record).shape == (4, 104)


def test_types_and_strands_are_chosen(tmp_path):
    features = [("gene", "11..20"), ("gene", "complement(31..40)"), ("tRNA", "50..60")]
    data, record = open_one(tmp_path, features, ":tRNA,gene")
    assert data.class_names == ("tRNA", "gene") and record.labels.tolist() == [2, 2, 1]
    data, record = open_one(tmp_path, features, ":gene-,gene+")
    assert data.class_names == ("gene-", "gene+") and record.labels.tolist() == [2, 1]
    with pytest.raises(DataError, match=r"no features of type exon; it has gene \(2\), tRNA \(1\)"):
        open_one(tmp_path, features, ":exon")
    with pytest.raises(DataError, match="is no choice of features"):
        open_one(tmp_path, features, ":gene@x")


def test_a_stretch_is_chosen_and_what_it_cuts_has_an_unknown_side(tmp_path):
    features = [("gene", "11..20"), ("gene", "31..40"), ("gene", "51..60")]
    _, record = open_one(tmp_path, features, ":gene@15-35")
    assert record.boxes.tolist() == [[15, 20], [30, 35]] and record.extent.tolist() == [15, 35]
    assert record.unknown_sides.tolist() == [[True, False], [False, True]]
    _, rest = open_one(tmp_path, features, ":@35-")
    assert rest.boxes.tolist() == [[35, 40], [50, 60]] and rest.extent.tolist() == [35, 104]
    with pytest.raises(DataError, match="no bases from 200"):
        open_one(tmp_path, features, ":gene@200-300")


def test_over_the_origin_of_a_circle(tmp_path):
    features = [("gene", "join(95..104,1..10)"), ("gene", "complement(join(95..100,103..104,1..8,12..14))")]
    _, record = open_one(tmp_path, features)
    assert record.boxes.tolist() == [[0, 10], [0, 14], [94, 104], [94, 104]]
    assert record.unknown_sides.tolist() == [[True, False]] * 2 + [[False, True]] * 2
    assert record.areas.tolist() == [10, 11, 10, 8] or record.areas.tolist() == [10, 11, 8, 10]
    _, line = open_one(tmp_path, features[:1], topology="linear")
    assert line.boxes.tolist() == [[0, 104]]


def test_transcripts_apart_partial_genes_and_what_is_listed_twice(tmp_path):
    features = [
        ("gene", "complement(join(81..90,11..20))", "trans_splicing"),
        ("gene", "join(complement(11..20),41..50)", "trans_splicing"),
        ("gene", "<61..>70"),
    ]
    _, record = open_one(tmp_path, features)
    assert record.boxes.tolist() == [[10, 20], [40, 50], [60, 70], [80, 90]]
    assert record.unknown_sides.tolist() == [[False] * 2, [False] * 2, [True] * 2, [False] * 2]


def test_fasta_with_gff_or_a_table(tmp_path):
    fasta = tmp_path / "a.fasta"
    fasta.write_text(f">a\n{BASES}\n")
    with pytest.raises(DataError, match="has no features"):
        open_dataset(fasta)
    (tmp_path / "a.intervals.csv").write_text("start,end,label\n10,20,promoter\n15,30,gene\n100,200,gene\n")
    data = open_dataset(tmp_path)
    assert len(data.problems) == 1 and "cut off (1 intervals)" in data.problems[0] and not data[0].unknown_sides.any()
    assert data.class_names == ("gene", "promoter") and data[0].boxes.tolist() == [[10, 20], [15, 30], [100, 104]]
    assert open_dataset(f"{fasta}:gene@20-50")[0].boxes.tolist() == [[20, 30]]
    (tmp_path / "a.gff3").write_text(
        "##gff-version 3\na\tx\tgene\t11\t20\t.\t+\t.\tID=g1\na\tx\tCDS\t11\t14\t.\t+\t0\tID=c1\n"
        "a\tx\tCDS\t18\t20\t.\t+\t0\tID=c1\nbroken\n###\n"
    )
    data = open_dataset(f"{fasta}:CDS,gene+")
    assert data[0].boxes.tolist() == [[10, 20], [10, 20]] and sorted(data[0].areas.tolist()) == [7, 10]
    assert "line 5 is no feature" in data.problems[0]


def test_files_that_are_no_sequence(tmp_path):
    cut = write_genbank(tmp_path / "cut.gb", [("gene", "1..9")], length=500)
    (tmp_path / "two.fa").write_text(">a\nacgt\n>b\nacgt\n")
    (tmp_path / "none.fa").write_text("")
    (tmp_path / "empty.fa").write_text(">a\n")
    (tmp_path / "text.gb").write_text("hello\n")
    words = {cut: "says 500 bases but holds 104", "two.fa": "holds 2 sequences", "none.fa": "holds 0 sequences|read",
             "empty.fa": "holds no samples", "text.gb": "0 sequences|can be read"}  # fmt: skip
    for name, sentence in words.items():
        with pytest.raises(DataError, match=sentence):
            read_signal(tmp_path / name)
    with pytest.raises(DataError, match="not one sequence"):
        open_dataset(tmp_path)
    write_genbank(tmp_path / "good.gb", [("gene", "1..9")])
    data = open_dataset(tmp_path)
    assert len(data) == 1 and len(data.problems) == 5
    assert len(find_signals(tmp_path)) == 6


def test_the_chloroplast(shared_data):
    path = shared_data / "dna" / "NC_000932.gb"
    train, val = (open_dataset(f"{path}:gene@{part}")[0] for part in ("0-110000", "110000-154478"))
    assert len(train) == 100 and len(val) == 31 and train.boxes.max() <= 110_000 <= val.boxes.min()
    assert read_signal(path, 0, 10).samples.argmax(0).tolist() == ["ACGT".index(b) for b in "ATGGGCGAAC"]
