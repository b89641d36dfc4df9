"""open_dataset finds out what it is given, or says what it looked for."""

import pytest

from maskrcnn.errors import DataError
from maskrcnn.modalities.open import open_dataset


def test_a_folder_with_one_json_file(write_coco, tmp_path):
    write_coco([{"bbox": [1, 2, 3, 4]}])
    assert len(open_dataset(str(tmp_path))) == 2


def test_several_json_files_are_listed(write_coco, tmp_path):
    write_coco().rename(tmp_path / "train.json")
    write_coco().rename(tmp_path / "val.json")
    with pytest.raises(DataError, match=r"several json files.*train\.json, .*val\.json"):
        open_dataset(tmp_path)


def test_a_folder_above_data_sets_points_to_them(write_coco, tmp_path):
    for k in range(7):
        (tmp_path / f"part{k}").mkdir()
        write_coco().rename(tmp_path / f"part{k}" / "labels.json")
    with pytest.raises(DataError, match=r"name one of them: .*part0, .*part4 and 2 more\.$"):
        open_dataset(tmp_path)


@pytest.mark.parametrize("name, words", [("absent", "does not exist"), ("", "looked for: COCO json")])
def test_anything_else_is_refused_in_one_sentence(tmp_path, name, words):
    with pytest.raises(DataError, match=words):
        open_dataset(tmp_path / name)


def test_a_split_is_a_folder_where_nothing_else_names_it(write_coco, tmp_path, save_image):
    (tmp_path / "valid").mkdir()
    write_coco([{"bbox": [1, 2, 3, 4]}]).rename(tmp_path / "valid" / "_annotations.coco.json")
    assert len(open_dataset(f"{tmp_path}:valid")) == 2
    with pytest.raises(DataError, match="has no split test"):
        open_dataset(f"{tmp_path}:test")


def test_a_name_with_a_colon_is_a_name_where_it_exists(write_coco, tmp_path):
    path = tmp_path / "12:30"
    path.mkdir()
    write_coco().rename(path / "labels.json")
    assert len(open_dataset(path)) == 2


def test_roboflows_file_goes_before_everything_else_in_its_folder(write_coco, tmp_path):
    write_coco([{"bbox": [1, 2, 3, 4]}]).rename(tmp_path / "_annotations.coco.json")
    (tmp_path / "a.xml").write_text("<annotation/>")
    assert open_dataset(tmp_path).class_names == ("cat", "dog")


@pytest.mark.parametrize("name", ["a.png", "a.xml", "a.txt", "a.csv"])
def test_a_file_that_is_never_a_data_set_points_to_its_folder(tmp_path, name):
    (tmp_path / name).write_text("x")
    with pytest.raises(DataError, match=rf"{name} is no file of labels; .* or the folder"):
        open_dataset(tmp_path / name)
