"""GeoJSON as QuPath reads it: RFC 7946, with its own properties."""

import gzip
import json

import pytest

from exchange.found_objects import NAMES, masks, some_objects
from maskrcnn.exchange.qupath import to_geojson, write_geojson


def test_a_feature_an_object_with_class_score_and_area():
    collection = to_geojson(some_objects(), NAMES)
    assert collection["type"] == "FeatureCollection" and len(collection["features"]) == 3
    first, second, third = (feature["properties"] for feature in collection["features"])
    assert {feature["type"] for feature in collection["features"]} == {"Feature"}
    assert [one["classification"]["name"] for one in (first, second, third)] == ["disc", "brick", "disc"]
    assert first["objectType"] == "detection" and first["classification"]["color"] == third["classification"]["color"]
    assert second["measurements"] == {"score": 0.75, "area_px": 90} and third["measurements"]["area_px"] == 0


def test_shapes_have_their_holes_and_parts_and_are_closed():
    geometries = [feature["geometry"] for feature in to_geojson(some_objects(), NAMES)["features"]]
    assert [geometry["type"] for geometry in geometries] == ["MultiPolygon", "Polygon", "Polygon"]
    parts = geometries[0]["coordinates"]
    assert [len(part) for part in parts] == [2, 1]
    rings = [ring for part in parts for ring in part] + geometries[1]["coordinates"] + geometries[2]["coordinates"]
    assert all(ring[0] == ring[-1] and len(ring) == 5 for ring in rings)
    assert geometries[2]["coordinates"] == [[[1, 2], [3, 2], [3, 4], [1, 4], [1, 2]]]  # of an empty mask the box


def test_a_library_of_geometries_reads_the_same_areas():
    shapely = pytest.importorskip("shapely", reason="shapely is not installed: pip install shapely")
    for feature, mask in zip(to_geojson(some_objects(), NAMES)["features"][:2], masks()):
        shape = shapely.from_geojson(json.dumps(feature["geometry"]))
        assert shape.is_valid and shape.area == mask.sum()


def test_models_of_boxes_give_boxes():
    features = to_geojson(some_objects(with_masks=False), NAMES)["features"]
    assert features[1]["geometry"]["coordinates"][0][0] == [40.25, 30.5]
    assert features[1]["properties"]["measurements"] == {"score": 0.75}


def test_the_packed_file_has_the_same_and_the_same_bytes_again(tmp_path):
    write_geojson(tmp_path / "a.geojson", some_objects(), NAMES)
    for name in ("a.geojson.gz", "b.geojson.gz"):
        write_geojson(tmp_path / name, some_objects(), NAMES)
    plain = (tmp_path / "a.geojson").read_bytes()
    assert json.loads(plain) == json.loads(json.dumps(to_geojson(some_objects(), NAMES)))
    assert gzip.decompress((tmp_path / "a.geojson.gz").read_bytes()) == plain
    assert (tmp_path / "a.geojson.gz").read_bytes() == (tmp_path / "b.geojson.gz").read_bytes()
