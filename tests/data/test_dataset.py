"""open_dataset finds out what it is given, or says what it looked for."""

import pytest

from maskrcnn.data.dataset import open_dataset
from maskrcnn.errors import DataError


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


@pytest.mark.parametrize("name, words", [("absent", "does not exist"), ("", "neither _annotations.coco.json")])
def test_anything_else_is_refused_in_one_sentence(tmp_path, name, words):
    with pytest.raises(DataError, match=words):
        open_dataset(tmp_path / name)
