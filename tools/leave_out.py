"""A COCO json without the photos of another.

    python tools/leave_out.py runs/pseudo/everyday_partial.json runs/third.json runs/pseudo/rest.json

The new file belongs into the first one's folder.
"""

import json
import sys
from pathlib import Path

from maskrcnn.files import atomic_write

source, other, target = map(Path, sys.argv[1:4])
content = json.loads(source.read_text(encoding="utf-8"))
left_out = {image["id"] for image in json.loads(other.read_text(encoding="utf-8"))["images"]}
content["images"] = [image for image in content["images"] if image["id"] not in left_out]
content["annotations"] = [label for label in content["annotations"] if label["image_id"] not in left_out]
with atomic_write(target) as temporary:
    temporary.write_text(json.dumps(content), encoding="utf-8")
print(f"{target}: {len(content['images'])} photos, {len(content['annotations'])} labels")
