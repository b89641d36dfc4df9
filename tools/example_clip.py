"""Make the example clip of src/maskrcnn/examples from a video of the shared data.

    python tools/example_clip.py [../shared/data/videos]

Where it comes from and why it may be passed on is said in src/maskrcnn/examples/README.md.
"""

from __future__ import annotations

import sys
from fractions import Fraction
from pathlib import Path

import av

SOURCE, BEGINS, SECONDS = "one-by-one-person-detection.mp4", 117.0, 4.0
SIZE = {"width": 640, "height": 360}
OUT = Path(__file__).parents[1] / "src/maskrcnn/examples/clips/leaving.mp4"
OPTIONS = {"crf": "24", "preset": "veryslow"}


def main(folder: Path) -> None:
    OUT.parent.mkdir(exist_ok=True)
    with av.open(str(folder / SOURCE)) as source, av.open(str(OUT), "w", options={"movflags": "+faststart"}) as out:
        rate = source.streams.video[0].average_rate
        stream = out.add_stream("libx264", rate=rate, options=OPTIONS)
        stream.width, stream.height, stream.pix_fmt = SIZE["width"], SIZE["height"], "yuv420p"
        count = 0
        for frame in source.decode(video=0):
            if BEGINS <= frame.time < BEGINS + SECONDS:
                small = frame.reformat(**SIZE, format="yuv420p")
                small.pts, small.time_base = count, Fraction(1) / rate
                out.mux(stream.encode(small))
                count += 1
        out.mux(stream.encode(None))
    print(f"{OUT}: {count} frames, {OUT.stat().st_size} bytes")


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "../shared/data/videos"))
