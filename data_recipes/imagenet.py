"""ImageNet (ILSVRC 2012): the folders that a user has already, in the usual layout."""

from data_recipes.recipe import Recipe, by_pattern

RECIPE = Recipe(
    name="imagenet",
    title="ImageNet, ILSVRC 2012",
    page="https://www.image-net.org/download.php",
    license="for non-commercial research and education, under the page's terms",
    size="1,431,167 photos, 155 GB",
    citation="Russakovsky et al., ImageNet Large Scale Visual Recognition Challenge, IJCV 2015",
    by_hand="register at the page, download, unpack; name the folder with --from",
    given="the folders train/nXXXXXXXX, val and, if you have it, test",
    choose=by_pattern(
        r"(?:.*/)?(?P<split>train|val|test)/(?:(?P<label>n\d{8})/)?(?P<name>[^/]+\.jpe?g)"
    ),
)
