"""Every nth photo, by id, of a COCO json: the training photos on which models and their settings were compared.

    python tools/every_nth.py ../shared/data/coco/annotations/coco80_train.json 3 runs/third.json

Name the photos' folder `images` beside the new file (a link will do), then `maskrcnn evaluate runs/third.json`.
"""

import json
import sys
from pathlib import Path

from maskrcnn.files import atomic_write

source, n, target = Path(sys.argv[1]), int(sys.argv[2]), Path(sys.argv[3])
content = json.loads(source.read_text(encoding="utf-8"))
chosen = set(sorted(image["id"] for image in content["images"])[::n])
content["images"] = [image for image in content["images"] if image["id"] in chosen]
content["annotations"] = [label for label in content["annotations"] if label["image_id"] in chosen]
with atomic_write(target) as temporary:
    temporary.write_text(json.dumps(content), encoding="utf-8")
print(f"{target}: {len(content['images'])} photos, {len(content['annotations'])} labels")
