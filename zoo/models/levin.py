"""Colors from hints alone: nothing is learned.

Levin, Lischinski and Weiss 2004, "Colorization using Optimization" (ACM Transactions on Graphics
23, 3), sections 2 and 3. Every model follows hints by the same equations, as an offset from what it
predicts (`zoo.hints.following`); this one predicts gray, and without hints leaves photos gray.
"""

from dataclasses import replace
from typing import ClassVar

from zoo.colorizer import Departure, Preset
from zoo.models.baselines import BaselineConfig, Gray
from zoo.options import OWN_STRENGTH, RENDER_FACTOR


class Levin(Gray):
    """What hints say, spread along the photo's edges."""

    #: So weak a pull to gray takes less than a hundredth of a color, and holds where no mark is.
    options: ClassVar = (RENDER_FACTOR, replace(OWN_STRENGTH, default=0.03))
    PRESETS: ClassVar = {
        "default": Preset(
            BaselineConfig(),
            "Levin, Lischinski and Weiss 2004, sections 2 and 3; numbers of its implementation",
            (
                Departure(
                    "Y of YUV decides the weights, U and V spread",
                    "L / 100, and a and b",
                    "Lab is what all of the zoo works in; L / 100 is nearly the gray value",
                ),
                Departure(
                    "the photo's own size",
                    "a short side of 16 times the render factor, 128 px by default",
                    "it takes the time and memory of a network's answer; lightness stays sharp",
                ),
                Departure(
                    "no pull: a thing without a stroke takes what leaks in over its edges",
                    "it stays gray, by a pull to gray of own_strength=0.03",
                    "a stroke should color what it is on; colors fade by less than a hundredth",
                ),
            ),
        )
    }
