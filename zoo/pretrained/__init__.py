"""The trained weights that come with the package: one folder per model, named like it.

The card also says what the weights may be used for, where they fail, and how they scored.
"""

from pathlib import Path

FOLDER = Path(__file__).parent
