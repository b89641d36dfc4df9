"""Programs to look at objects in, for which ``maskrcnn predict --to`` writes a file a picture. Loads none of them."""

from __future__ import annotations

VIEWERS = {
    "qupath": "",
    "imagej": "roifile",
}  # by name: the package that writes for it, which the extra of that name has
