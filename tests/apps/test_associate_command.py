"""maskrcnn associate, as a user types it, on made-up scans."""

import csv

import numpy as np
import pytest

nibabel = pytest.importorskip("nibabel")

SHAPE = (10, 12, 8)  # x, y, z
AFFINE = np.array([[-2.0, 0, 0, 10], [0, 2, 0, -12], [0, 0, 2, -8], [0, 0, 0, 1]])  # towards the left, as scanners do
BLOCK = (slice(2, 6), slice(3, 7), slice(2, 6))
AGED = (slice(7, 9), slice(8, 11), slice(2, 6))
FAST = ("--permutations", 60)


def write_scan(path, voxels, affine=AFFINE):
    path.parent.mkdir(parents=True, exist_ok=True)
    nibabel.save(nibabel.Nifti1Image(voxels.astype(np.float32), affine), path)


def write_table(path, rows):
    with path.open("w", newline="") as file:
        csv.writer(file).writerows(rows)
    return path


def read_rows(path):
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    """24 scans: BLOCK grows brighter with the score, AGED with age, which goes along with the score."""
    folder, random = tmp_path_factory.mktemp("study"), np.random.default_rng(4)
    rows = [["file", "score", "age", "sex", "group", "dose"]]
    labels = np.zeros(SHAPE, dtype=np.uint8)
    labels[BLOCK], labels[AGED] = 1, 2
    write_scan(folder / "atlas.nii.gz", labels)
    for k in range(24):
        score = random.normal()
        age = 60 + 8 * (0.8 * score + 0.6 * random.normal())
        voxels = random.normal(100, 4, SHAPE)
        voxels[BLOCK] += 14 * score
        voxels[AGED] += 3 * (age - 60)
        write_scan(folder / "scans" / f"s{k:02}.nii.gz", voxels)
        shifted = np.zeros((14, 16, 13))
        low = tuple(random.integers(0, 4, 3).tolist())
        where = tuple(slice(start, start + side) for start, side in zip(low, SHAPE))
        shifted[where] = voxels
        side = 12 + k % 2  # scans that differ in shape too
        write_scan(folder / "moved" / f"s{k:02}.nii.gz", shifted[..., :side])
        drawn = np.zeros((14, 16, 13), dtype=np.uint8)
        drawn[where] = labels
        write_scan(folder / "drawn" / f"s{k:02}.nii.gz", drawn[..., :side])
        group = "patient" if score > 0.4 else ("carrier" if k % 2 else "control")
        rows.append([f"s{k:02}.nii.gz", f"{10 * score:.3f}", f"{age:.2f}", "mf"[k % 2], group, "5"])
    write_table(folder / "behaviour.csv", rows)
    return folder


def ask(study, *more):
    return ("associate", study / "scans", "--labels", study / "behaviour.csv", *more)


def regions_of(out):
    return np.asarray(nibabel.load(out / "regions.nii.gz").dataobj)


@pytest.mark.parametrize("how", [(), ("--tfce",), ("--correct", "voxels"), ("--correct", "fdr")])
def test_what_goes_with_the_score_is_found_and_what_goes_with_age_is_not(maskrcnn, study, tmp_path, how):
    out = tmp_path / "out"
    done = maskrcnn(*ask(study, "--by", "score", "--adjust", "age,sex", "--out", out, *FAST, *how))
    assert done.code == 0, done.err
    assert "go with score at p 0.05" in done.out or "goes with score at p 0.05" in done.out
    assert "24 files, age and sex taken out" in done.out
    found = regions_of(out)
    assert (found[BLOCK] > 0).mean() > 0.8 and (found[AGED] > 0).mean() < 0.1
    for name in ("effect", "t", "p", "regions"):
        image = nibabel.load(out / f"{name}.nii.gz")
        assert image.shape == SHAPE and np.allclose(image.affine, AFFINE)
    p = np.asarray(nibabel.load(out / "p.nii.gz").dataobj)
    assert ((p <= 0.05) == (found > 0)).all()
    first = read_rows(out / "regions.csv")[0]
    assert float(first["volume_mm3"]) == 8 * int(first["voxels"]) and float(first["p"]) <= 0.05
    assert 1 < float(first["effect"]) < 1.9  # of 1.4 a point of the score
    x, y, z = (float(first[axis]) for axis in ("x_mm", "y_mm", "z_mm"))
    i, j, k = np.linalg.solve(AFFINE, [x, y, z, 1])[:3].round().astype(int)
    assert found[i, j, k] == 1  # the peak lies in its region, in the scanner's millimetres
    assert (out / "effect.png").stat().st_size > 1000
    page = (out / "report.html").read_text()
    assert "What goes with score" in page and "<svg" in page and "http" not in page.replace("http://www.w3.org", "")


def test_without_the_confounder_it_is_found(maskrcnn, study, tmp_path):
    out = tmp_path / "out"
    assert maskrcnn(*ask(study, "--by", "score", "--out", out, *FAST)).code == 0
    assert (regions_of(out)[AGED] > 0).mean() > 0.5


def test_nothing_is_said_where_nothing_is(maskrcnn, study, tmp_path):
    out, random = tmp_path / "out", np.random.default_rng(8)
    table = write_table(tmp_path / "t.csv", [["file", "luck"], *([f"s{k:02}", random.normal()] for k in range(24))])
    done = maskrcnn("associate", study / "scans", "--labels", table, "--out", out, *FAST)
    assert done.code == 0
    assert "Nothing found that goes with luck at p 0.05: the smallest p is" in done.out
    assert not regions_of(out).any() and read_rows(out / "regions.csv") == []
    assert (out / "effect.png").stat().st_size > 1000


def test_several_classes_are_an_f_test_and_one_against_the_rest_is_a_t_test(maskrcnn, study, tmp_path):
    out = tmp_path / "out"
    done = maskrcnn(*ask(study, "--by", "group", "--out", out, *FAST))
    assert done.code == 0 and ", F " in done.out
    assert (regions_of(out)[BLOCK] > 0).mean() > 0.5 and (out / "f.nii.gz").is_file()
    assert {"patient - carrier", "control - carrier"} <= set(read_rows(out / "regions.csv")[0])
    one = tmp_path / "one"
    assert maskrcnn(*ask(study, "--by", "group", "--group", "patient", "--out", one, *FAST)).code == 0
    assert float(read_rows(one / "regions.csv")[0]["effect"]) > 5 and (one / "t.nii.gz").is_file()


def test_the_same_seed_writes_the_same_files(maskrcnn, study, tmp_path):
    for name in ("one", "two"):
        assert maskrcnn(*ask(study, "--by", "score", "--out", tmp_path / name, "--smooth", 3, *FAST)).code == 0
    for file in (tmp_path / "one").iterdir():
        assert file.read_bytes() == (tmp_path / "two" / file.name).read_bytes(), file.name


def test_scans_that_are_not_aligned_are_refused_and_moved_by_their_labels(maskrcnn, refused, study, tmp_path):
    asked = ("associate", study / "moved", "--labels", study / "behaviour.csv", "--by", "score", "--adjust", "age")
    sentence = refused(*asked, "--out", tmp_path / "no")
    assert "s01.nii.gz has 14 x 16 x 13 and" in sentence
    assert "register all files to one template" in sentence and "--align" in sentence and "--regions" in sentence
    out = tmp_path / "out"
    assert maskrcnn(*asked, "--align", study / "drawn", "--out", out, *FAST).code == 0
    atlas = np.asarray(nibabel.load(study / "drawn" / "s00.nii.gz").dataobj)
    image = nibabel.load(out / "regions.nii.gz")
    start = np.linalg.solve(AFFINE, image.affine[:, 3])[:3].round().astype(int)
    own = atlas[tuple(slice(a, a + side) for a, side in zip(start, image.shape))]  # they overlay the first scan
    assert (regions_of(out)[own == 1] > 0).mean() > 0.7 and (regions_of(out)[own == 2] > 0).mean() < 0.1


def test_another_place_is_refused(refused, study, tmp_path):
    for k in range(24):
        scan = nibabel.load(study / "scans" / f"s{k:02}.nii.gz")
        moved = AFFINE + np.array([[0, 0, 0, 4.0 * (k == 3)], *np.zeros((3, 4))])
        write_scan(tmp_path / "scans" / f"s{k:02}.nii.gz", np.asarray(scan.dataobj), moved)
    sentence = refused("associate", tmp_path / "scans", "--labels", study / "behaviour.csv", "--by", "score")
    assert "s03.nii.gz lies elsewhere than" in sentence


def test_regions_of_label_volumes_are_measured(maskrcnn, study, tmp_path):
    asked = ("associate", study / "moved", "--labels", study / "behaviour.csv", "--by", "score", "--adjust", "age")
    done = maskrcnn(*asked, "--regions", study / "drawn", "--out", tmp_path / "own", *FAST)
    assert done.code == 0 and "region 1, intensity: t " in done.out and "region 2" not in done.out
    rows = read_rows(tmp_path / "own" / "regions.csv")
    assert rows[0]["region"] == "region 1" and {row["measure"] for row in rows} == {"intensity", "contrast"}
    shared = maskrcnn(
        *ask(study, "--by", "score", "--adjust", "age", "--regions", study / "atlas.nii.gz"),
        "--out",
        tmp_path / "atlas",
        *FAST,
    )
    assert shared.code == 0 and "region 1, intensity: t " in shared.out
    assert read_rows(tmp_path / "atlas" / "regions.csv")[0] == rows[0]


BAD = [
    ([["file", "score"], ["s00.nii.gz", 1], ["s01.nii.gz", 2]], (), "2 files are too few"),
    ([["file", "score"], *([f"s{k:02}", 3] for k in range(24))], (), "The column score is 3 for all 24 files"),
    ([["file", "score"], *([f"s{k:02}", "ill"] for k in range(24))], (), "there is one group alone"),
    ([["file", "score"], *([f"s{k:02}", f"p{k}"] for k in range(24))], (), "another text for each file"),
    ([["file", "score"], *([f"s{k:02}", "inf" if k else 1] for k in range(24))], (), "is not finite"),
    ([["file", "score"], *([f"s{k:02}", "nan"] for k in range(24))], (), "no value of score"),
    ([["file", "score"], *([f"x{k:02}", k] for k in range(24))], (), "names none of the 24 files"),
    ([["file", "score"], *([f"s{k % 4:02}", k] for k in range(24))], (), "has two rows for"),
    ([["file", "score", "score"], ["s00", 1, 2]], (), "two columns of one name"),
    ([["file", "score"], ["s00", 1, 2]], (), "row 2 has 3 cells"),
    ([["file", "score"]], (), "holds no rows"),
    ([["file", "a", "score"], *([f"s{k:02}", 2 * k, k] for k in range(24))], ("--adjust", "a"), "nothing is left"),
    (
        [["file", "a", "b", "score"], *([f"s{k:02}", k, 3 * k, k % 5] for k in range(24))],
        ("--adjust", "a,b"),
        "The column b says nothing that a does not say",
    ),
    ([["file", "a", "score"], *([f"s{k:02}", 1, k] for k in range(24))], ("--adjust", "a"), "column a is 1 for all"),
    ([["file", "scor"], *([f"s{k:02}", k] for k in range(24))], (), "did you mean scor?"),
]


@pytest.mark.parametrize("rows, more, said", BAD, ids=[said for _, _, said in BAD])
def test_a_table_that_says_nothing_is_refused(refused, study, tmp_path, rows, more, said):
    table = write_table(tmp_path / "t.csv", rows)
    out = tmp_path / "out"
    sentence = refused("associate", study / "scans", "--labels", table, "--by", "score", "--out", out, *more)
    assert said in sentence
    assert not out.exists()


def test_rows_and_scans_that_lack_each_other_are_named(maskrcnn, study, tmp_path):
    rows = [["file", "score"], *([f"s{k:02}.nii.gz", "" if k == 5 else k % 7] for k in range(20)), ["gone.nii.gz", 4]]
    table = write_table(tmp_path / "t.csv", rows)
    done = maskrcnn("associate", study / "scans", "--labels", table, "--by", "score", "--out", tmp_path / "out", *FAST)
    assert done.code == 1
    assert f"failed: {table} names gone.nii.gz, and there is no such file." in done.err
    assert "4 files (s20.nii.gz, s21.nii.gz, s22.nii.gz and 1 more) have no row" in done.err
    assert "1 file (s05.nii.gz) has no value of score" in done.err
    assert "(19 files)" in done.out


def test_a_damaged_scan_is_named_and_the_others_are_asked(maskrcnn, study, tmp_path):
    for k in range(24):
        data = (study / "scans" / f"s{k:02}.nii.gz").read_bytes()
        (tmp_path / f"s{k:02}.nii.gz").write_bytes(data[: 200 if k == 7 else None])
    done = maskrcnn(
        "associate", tmp_path, "--labels", study / "behaviour.csv", "--by", "score", "--out", tmp_path / "out", *FAST
    )
    assert done.code == 1 and "s07.nii.gz cannot be read" in done.err and "(23 files)" in done.out


@pytest.mark.parametrize(
    "more, said",
    [
        (("--by", "score", "--adjust", "score"), "by --by and by --adjust"),
        (("--by", "score", "--permutations", "20", "--p", "0.01"), "20 permutations give no p below"),
        (("--by", "group", "--group", "nurse"), "has no class nurse"),
        (("--by", "score", "--mask", "gone.nii.gz"), "gone.nii.gz does not exist"),
        (("--by", "score", "--regions", "scans", "--smooth", "3"), "are for voxels"),
        ((), "--by names the column"),
    ],
)
def test_options_that_cannot_be_followed_are_refused(refused, study, monkeypatch, tmp_path, more, said):
    monkeypatch.chdir(study)
    assert said in refused(*ask(study, *more, "--out", tmp_path / "out"))


def test_what_is_missing_on_the_command_line_is_asked_for(refused, study):
    assert "Name the scans first" in refused("associate")
    assert "--labels names the table" in refused("associate", study / "scans")


def test_scans_of_another_scale_are_told_of_and_standardised(maskrcnn, study, tmp_path):
    for k in range(24):
        scan = nibabel.load(study / "scans" / f"s{k:02}.nii.gz")
        write_scan(tmp_path / "scans" / f"s{k:02}.nii.gz", np.asarray(scan.dataobj) * (1 + 20 * (k % 3)))
    asked = ("associate", tmp_path / "scans", "--labels", study / "behaviour.csv", "--by", "score", "--adjust", "age")
    plain = maskrcnn(*asked, "--out", tmp_path / "plain", *FAST)
    assert "add --standardise" in plain.err
    done = maskrcnn(*asked, "--standardise", "--out", tmp_path / "out", *FAST)
    assert "standardise" not in done.err and (regions_of(tmp_path / "out")[BLOCK] > 0).mean() > 0.7


def test_a_mask_is_all_that_is_looked_at(maskrcnn, study, tmp_path):
    out = tmp_path / "out"
    done = maskrcnn(*ask(study, "--by", "score", "--mask", study / "atlas.nii.gz", "--out", out, *FAST))
    atlas = np.asarray(nibabel.load(study / "atlas.nii.gz").dataobj)
    assert f"corrected over {np.count_nonzero(atlas)} voxels" in done.out
    assert not np.asarray(nibabel.load(out / "t.nii.gz").dataobj)[atlas == 0].any()


def test_objects_of_a_model_of_other_files_and_of_none_are_told_of(maskrcnn, refused, study, tmp_path):
    asked = ask(study, "--by", "score", "--out", tmp_path / "out")
    assert "nuclei looks at images, and these are scans" in refused(*asked, "--model", "nuclei")


def test_objects_of_a_model_are_measured_by_class(maskrcnn, study, tmp_path, monkeypatch):
    """With the masks of the atlas in the place of what a network finds."""
    atlas = np.asarray(nibabel.load(study / "atlas.nii.gz").dataobj).T[..., ::-1]  # as the reader turns it

    def found(options, wing, tell):
        return lambda path, field: {"body": [atlas == 1], "tail": [atlas == 2]}

    monkeypatch.setattr("maskrcnn.jobs.association.objects.of_model", found)
    asked = ask(study, "--by", "score", "--adjust", "age", "--model", "hippocampus", "--out", tmp_path / "out")
    done = maskrcnn(*asked, *FAST)
    assert done.code == 0 and "body, intensity: t " in done.out and "tail" not in done.out
