"""BSDS500: the Berkeley segmentation data set, with its own splits."""

from data_recipes.recipe import Download, Recipe, by_pattern

RECIPE = Recipe(
    name="bsds500",
    title="BSDS500, Berkeley segmentation photos",
    page="https://www2.eecs.berkeley.edu/Research/Projects/CS/vision/grouping/resources.html",
    license="for non-commercial research and education",
    size="500 photos, 71 MB",
    citation="Arbelaez et al., Contour Detection and Hierarchical Image Segmentation, PAMI 2011",
    downloads=(
        Download(
            "http://www.eecs.berkeley.edu/Research/Projects/CS/vision/grouping/BSR/BSR_bsds500.tgz",
            "BSR_bsds500.tgz",
        ),
    ),
    choose=by_pattern(r"BSR/BSDS500/data/images/(?P<split>train|val|test)/(?P<name>\d+\.jpg)"),
)
