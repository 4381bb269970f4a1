"""HECD: recolored photos that people rated for how natural their colors look.

20 scenes, each with its original and 65 recolorings. The ratings stay in `downloads`, where
`python -m benchmarks.human FOLDER` finds them. It is for asking which metric agrees with people:
all pictures are test photos, because wrong colors are nothing to learn from. The repository states
no license: do not pass the pictures or the ratings on.
"""

from data_recipes.recipe import Download, Recipe, by_pattern

_COMMIT = "bd00c9697710446c5761d718c1228271860f6e0d"

RECIPE = Recipe(
    name="hecd",
    title="HECD, recolored photos that people rated",
    page="https://github.com/seanmullery/HECD",
    license="none is stated: for your own use, not to be passed on",
    size="1,320 pictures of 20 scenes, with ratings",
    citation="Mullery and Whelan, Human vs Objective Evaluation of Colourisation Performance, 2022",
    downloads=(
        Download(
            f"https://github.com/seanmullery/HECD/archive/{_COMMIT}.zip",
            "HECD.zip",
        ),
        Download(
            f"https://raw.githubusercontent.com/seanmullery/HECD/{_COMMIT}/Data/mean_zscores.csv",
            "mean_zscores.csv",
            holds_photos=False,
        ),
    ),
    choose=by_pattern(
        r"[^/]+/HECDImages/(?P<name>(?P<label>\d{6})[A-Z_][^/]*[.]jpg)", split="test"
    ),
)
