"""DRIVE: photos of the retina, with their own training and test photos."""

from data_recipes.recipe import Recipe, by_pattern

RECIPE = Recipe(
    name="drive",
    title="DRIVE, retina photos",
    page="https://drive.grand-challenge.org/",
    license="for research and education; not to be passed on",
    size="40 photos, 30 MB",
    citation="Staal et al., Ridge-based Vessel Segmentation in Color Images, TMI 2004",
    by_hand="register at the page, download, unpack; name the folder with --from",
    given="the folders training/images and test/images",
    choose=by_pattern(
        r"(?:.*/)?(?P<split>training|test)/images/(?P<name>[^/]+\.tif)",
        splits={"training": "train"},
    ),
)
