"""SUN397: scenes in 397 classes.

Its ten published partitions are for recognition and take 100 photos of each class; here all photos
are split by content.
"""

from data_recipes.recipe import Download, Recipe, by_pattern

RECIPE = Recipe(
    name="sun397",
    title="SUN397, scenes in 397 classes",
    page="https://vision.princeton.edu/projects/2010/SUN/",
    license="for research; the photos belong to their authors",
    size="108,754 photos, 37 GB",
    citation="Xiao et al., SUN Database: Large-scale Scene Recognition, CVPR 2010",
    downloads=(
        Download(
            "http://vision.princeton.edu/projects/2010/SUN/SUN397.tar.gz",
            "SUN397.tar.gz",
            "md5:8ca2778205c41d23104230ba66911c7a",
            "torchvision (torchvision/datasets/sun397.py)",
        ),
    ),
    choose=by_pattern(r"SUN397/[a-z]/(?P<label>.+)/(?P<name>sun_[^/]+\.jpg)"),
)
