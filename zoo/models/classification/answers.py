"""Several plausible colors of a whole photo, from one run of a network.

A distribution at each place says which colors are possible there, and not which go together: drawn
place by place they would be confetti. So all places lean together toward one color or another
(`zoo.models.classification.leaning`): what may have it takes it, and what surely has another one
does not. Each answer is then decoded as ever, and is as even as the ordinary one.
"""

from collections.abc import Callable, Sequence

import numpy as np

from zoo.models.classification.leaning import Leaning
from zoo.options import Option

ANSWERS = Option("answers", default=4, low=2, high=8, meaning="how many colorings", whole=True)
#: The mean distance in ab of any two answers; the first one that allows enough of them counts.
DISTANCES = (16.0, 12.0, 8.0, 5.0)


def distinct(
    first: np.ndarray,
    tried: Sequence[Leaning],
    count: int,
    color: Callable[[Leaning], np.ndarray],
) -> list[np.ndarray]:
    """Choose answers that are far from each other, the more plausible ones rather.

    Args:
        first: (1, H, W, 2) ab of the ordinary answer.
        tried: not to lean at all, then ways to lean, the most plausible first.
        count: how many answers are wanted, the ordinary one among them.
        color: gives the (1, H, W, 2) ab of a way to lean.

    Returns:
        The ordinary answer, then others, the most plausible first; fewer than `count` if there are
        no more whose mean distance is at least 5.
    """
    made: dict[int, np.ndarray] = {}
    chosen = [first]
    for distance in DISTANCES:
        chosen, like = [first], [tried[0]]
        for number, one in enumerate(tried[1:]):
            if any(_apart(one.means, other.means) < distance for other in like):
                continue
            if number not in made:
                made[number] = color(one)
            if all(_apart(made[number], other) >= distance for other in chosen):
                chosen.append(made[number])
                like.append(one)
            if len(chosen) == count:
                return chosen
    return chosen


def _apart(one: np.ndarray, other: np.ndarray) -> float:
    """The mean distance of two answers in ab."""
    return float(np.linalg.norm(one - other, axis=-1).mean())
