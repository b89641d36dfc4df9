"""Points from the network's input to the coordinates of the file, and into COCO's results."""

from __future__ import annotations

import json

import torch
from torch import nn

from inference.test_predictor import Parrot, photo
from maskrcnn.inference.predictor import Predictor
from maskrcnn.modalities.images.results import PredictionWriter
from maskrcnn.models.point_head import PointHead
from maskrcnn.structures import Instances
from tiny import tiny_info


class PointingParrot(Parrot):
    def __init__(self, box):
        super().__init__(box)
        self.heads = nn.ModuleDict({**self.heads, "points": PointHead()})

    def forward(self, images, detection):
        found = super().forward(images, detection)
        for each in found:
            each.keypoints = torch.tensor([[[6.4, 6.25, 0.8], [32.0, 12.5, 0.3]]])
        return found


def test_points_come_back_in_the_coordinates_of_the_file():
    parrot = PointingParrot([6.4, 6.25, 32.0, 12.5])  # 40 x 100 becomes 25 x 64, as for boxes
    found = Predictor(parrot, tiny_info(parrot))(photo(40, 100))
    torch.testing.assert_close(found.keypoints, torch.tensor([[[10.0, 10.0, 0.8], [50.0, 20.0, 0.3]]]))
    assert Predictor(Parrot([6.4, 6.25, 32.0, 12.5]), tiny_info(parrot))(photo(40, 100)).keypoints is None


def test_points_are_written_as_coco_counts_them(tmp_path):
    """A point at 10.5 is the centre of pixel 10, which COCO calls 10."""
    found = Instances(torch.tensor([[5.0, 5, 60, 90]]), torch.tensor([1]), torch.tensor([0.9]))
    found.keypoints = torch.tensor([[[10.5, 20.5, 0.76543], [30.25, 40.125, 0.2]]])
    nobody = Instances(
        torch.zeros(0, 4), torch.zeros(0, dtype=torch.long), torch.zeros(0), keypoints=torch.zeros(0, 2, 3)
    )
    writer = PredictionWriter(tmp_path, ["person"], keypoint_names=("a", "b"), skeleton=((0, 1),))
    writer.add("photos/1.jpg", torch.zeros(3, 100, 100), found)
    writer.add("photos/2.jpg", torch.zeros(3, 100, 100), nobody)
    writer.close()
    (row,) = json.loads((tmp_path / "predictions.json").read_text())
    assert row["keypoints"] == [10.0, 20.0, 0.7654, 29.75, 39.62, 0.2]
    assert row["bbox"] == [5, 5, 55, 85]
