"""Eight samples learned by heart, with three points on each object that its shape shows."""

import torch

from cases import small_config, small_model
from losses.test_overfit import SAMPLES, memorise
from maskrcnn.config import KeypointHeadConfig
from maskrcnn.data.synthetic import synthetic_samples
from maskrcnn.structures import batch_images

PARTS = torch.tensor([[0.1, 0.1], [0.5, 0.5], [0.9, 0.5]])  # of the box, x first


def test_points_are_learned_by_heart_and_found_again_from_boxes_that_are_not_quite_right():
    samples = synthetic_samples(2, SAMPLES, (48, 48), 0, channels=1)
    for sample in samples:
        low, high = sample.target.boxes[:, None].chunk(2, -1)
        points = low + PARTS * (high - low)
        sample.target.keypoints = torch.cat([points, torch.ones_like(points[..., :1])], -1)
    pool = small_config(2).mask_head.pool
    model = small_model(2, mask_head=None, keypoint_head=KeypointHeadConfig(pool, 32, 2, len(PARTS)))
    memorise(model, samples, steps=110)
    images, head = batch_images([sample.image for sample in samples], 8), model.heads["keypoint"]
    with torch.no_grad():
        detections = [sample.target for sample in samples]
        truth = torch.cat([target.keypoints[..., :-1] for target in detections])
        for found in detections:
            low, high = found.boxes.chunk(2, -1)
            found.boxes = torch.cat([low - 0.1 * (high - low), high - 0.05 * (high - low)], -1)
        head.attach(head(model.backbone(images.tensor), [found.boxes for found in detections]), detections)
    points = torch.cat([found.keypoints for found in detections])
    boxes = torch.cat([found.boxes for found in detections])
    size = (boxes[:, 2:] - boxes[:, :2])[:, None]
    distance = ((points[..., :-1] - truth) / size).norm(dim=-1)
    assert distance.mean() < 0.06  # 0.11 for a head that looks at the box alone
    assert points[..., -1].min() > 0.5
