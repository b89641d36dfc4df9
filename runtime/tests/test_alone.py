"""What the runtime can be held to where there is neither torch nor pytest, as on an emulated ARM:
``python -m unittest discover runtime/tests``.

``MASKRCNN_MODEL``, ``MASKRCNN_PHOTO`` and ``MASKRCNN_EXPECTED`` name an exported file, a photo and the line of json
that another machine wrote of it; without them that test is skipped.
"""

import itertools
import json
import os
import sys
import unittest
from pathlib import Path

import numpy as np
from maskrcnn_runtime import Found, Model, RuntimeFault, read_picture
from maskrcnn_runtime.boxes import grouped_nms, nms, pairwise_iou
from maskrcnn_runtime.masks import Mask, largest_part, paste
from maskrcnn_runtime.tracking import Tracker, assign
from maskrcnn_runtime.writing import entries_of


def some_boxes(count, seed=0):
    low = np.random.default_rng(seed).uniform(0, 80, (count, 2))
    extent = np.random.default_rng(seed + 1).uniform(5, 40, (count, 2))
    return np.concatenate([low, low + extent], 1).astype(np.float32)


class Parts(unittest.TestCase):
    def test_suppression_is_greedy(self):
        boxes, scores = some_boxes(40), np.random.default_rng(2).random(40).astype(np.float32)
        kept = []
        for k in np.argsort(-scores):
            if all(pairwise_iou(boxes[k : k + 1], boxes[j : j + 1])[0, 0] <= 0.3 for j in kept):
                kept.append(int(k))
        self.assertEqual(nms(boxes, scores, 0.3).tolist(), kept)
        self.assertEqual(grouped_nms(boxes, scores, np.zeros(40), 0.3).tolist(), kept)

    def test_the_assignment_is_the_best(self):
        worth = np.random.default_rng(0).random((4, 5))
        best = max(sum(worth[i, j] for i, j in enumerate(some)) for some in itertools.permutations(range(5), 4))
        self.assertAlmostEqual(sum(worth[i, j] for i, j in assign(worth)), best)

    def test_a_mask_is_what_it_was_made_of(self):
        window = np.random.default_rng(0).random((9, 14)) < 0.4
        mask = Mask.of((3, 5), window)
        picture = np.zeros((20, 30), bool)
        picture[mask.slices()] = mask.window()
        self.assertTrue((picture[3:12, 5:19] == window).all())
        self.assertEqual(mask.area(), int(window.sum()))
        self.assertLessEqual(largest_part(mask).area(), mask.area())
        full = paste(np.ones((4, 4), np.float32), np.float32([2, 3, 12, 13]), (20, 30), 0.4)
        self.assertEqual((full.offset, full.shape), ((3, 2), (10, 10)))

    def test_an_object_keeps_its_number(self):
        tracker = Tracker()
        for step in range(5):
            box = np.float32([[10 + 3 * step, 10, 40 + 3 * step, 50]])
            self.assertEqual(tracker(Found(box, np.ones(1, np.int64), np.ones(1, np.float32))), [1])
        self.assertEqual(tracker.counts, {1: 1})

    def test_trouble_is_a_sentence(self):
        for fails in (lambda: Model("gone.zip"), lambda: Model(__file__), lambda: read_picture(__file__)):
            with self.assertRaises(RuntimeFault) as error:
                fails()
            self.assertNotIn("\n", str(error.exception))

    def test_there_is_no_torch(self):
        self.assertIsNone(sys.modules.get("torch"))


@unittest.skipUnless("MASKRCNN_MODEL" in os.environ, "no model is named")
class Photo(unittest.TestCase):
    def test_it_finds_what_another_machine_found(self):
        model, path = Model(os.environ["MASKRCNN_MODEL"], threads=1), os.environ["MASKRCNN_PHOTO"]
        image = read_picture(path)
        own = entries_of(model, model(image), image.shape[:2])
        expected = json.loads(Path(os.environ["MASKRCNN_EXPECTED"]).read_text())["objects"]
        self.assertEqual([entry["category"] for entry in own], [entry["category"] for entry in expected])
        for a, b in zip(own, expected):
            self.assertLess(abs(a["score"] - b["score"]), 0.005)
            self.assertLess(np.abs(np.subtract(a["bbox"], b["bbox"])).max(), 0.5)
        print(f"{len(own)} objects, as expected", file=sys.stderr)


if __name__ == "__main__":
    unittest.main()
