"""Write the golden fixtures; run by ``make.py`` in an environment that has torchvision.  See tests/golden/README.md."""

from __future__ import annotations

import argparse
import json
import platform
import time
from pathlib import Path

import numpy as np
import record_inference
import record_losses
import record_ops
import record_variants
import torch
import torchvision
from torchvision_model import PROBED, build, shapes_of


def write_json(path: Path, content: object) -> None:
    """Write a json file with one line per entry of the outermost object."""
    assert isinstance(content, dict)
    lines = (f"{json.dumps(key)}: {json.dumps(value)}" for key, value in content.items())
    path.write_text("{\n" + ",\n".join(lines) + "\n}\n")


def main() -> None:
    """Record everything."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True, help="folder of the fixtures")
    out: Path = parser.parse_args().out
    started = time.time()
    write_json(out / "names.json", shapes_of(build(64, 64)))
    meta: dict[str, object] = {
        "versions": {
            "torchvision": torchvision.__version__,
            "torch": torch.__version__,
            "numpy": np.__version__,
            "python": platform.python_version(),
        },
        "settings": record_inference.SETTINGS,
        "probed": PROBED,
    }
    for name, part in (("ops", record_ops), ("inference", record_inference), ("losses", record_losses)):
        arrays, report = part.record()
        np.savez_compressed(out / f"{name}.npz", **arrays)
        meta |= {name: report} if report else {}
        print(f"{name}: {(out / f'{name}.npz').stat().st_size} bytes after {time.time() - started:.0f} s", flush=True)
    arrays, report, shapes = record_variants.record()
    np.savez_compressed(out / "variants.npz", **arrays)
    write_json(out / "variants.json", shapes)
    write_json(out / "meta.json", meta | {"variants": report})


if __name__ == "__main__":
    main()
