"""The trained weights that come with the package: a folder a model, named like it.

Each is a folder as `model.save` writes it (config.json, weights.npz, card.json) whose card also
says what the weights may be used for, where they fail, and how they scored. `zoo.registry` finds
them by name.
"""

from pathlib import Path

#: Where they are.
FOLDER = Path(__file__).parent
