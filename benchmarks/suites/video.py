"""How steady are the colors of films? The trained weights, frame by frame and with each smoothing.

    python benchmarks/run_all.py --suite video --out runs/video
    python benchmarks/run_all.py --suite video --film holiday.mp4 --out runs/holiday

Films are in color, as the photos are: their own colors are the truth. Without --film one is made of
the test photos, with pans, zooms, things that pass in front, and cuts. Of longer films the first
seconds are scored. It needs the extra `video`.

Cost: with the made film about fifteen minutes on two processor cores. Nothing is trained.

Expect smoothing along the motion to take away half of the flicker or more, and next to no color;
`gray` to be perfectly steady, which is why steadiness is read beside the colorfulness.
"""

from benchmarks.suites import MADE_FILM
from benchmarks.suites.pretrained import ROWS

__all__ = ["DEFAULTS", "ROWS"]

DEFAULTS = {"films": [MADE_FILM]}
