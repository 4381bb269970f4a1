"""Kodak: 24 photos without compression losses, which everybody tests on; all are test photos."""

from data_recipes.recipe import Download, Recipe, by_pattern

_FILES = tuple(f"kodim{number:02d}.png" for number in range(1, 25))

RECIPE = Recipe(
    name="kodak",
    title="Kodak lossless true color suite",
    page="https://r0k.us/graphics/kodak/",
    license="free: the page says that Kodak released them for unrestricted use",
    size="24 photos, 15 MB",
    citation="Eastman Kodak, Kodak Lossless True Color Image Suite, 1999",
    downloads=tuple(
        Download(f"https://r0k.us/graphics/kodak/kodak/{file}", file) for file in _FILES
    ),
    choose=by_pattern(r"(?P<name>kodim\d\d\.png)", split="test"),
)
