"""COCO 2017: everyday scenes. The test photos, whose annotations are secret, are left out."""

from data_recipes.recipe import Download, Recipe, by_pattern

_ZIPS = "http://images.cocodataset.org/zips/"
_SUMS = "TensorFlow Datasets (tensorflow_datasets/url_checksums/coco.txt)"

RECIPE = Recipe(
    name="coco2017",
    title="COCO 2017, everyday scenes",
    page="https://cocodataset.org/#download",
    license="the photos are from Flickr, each under its own Creative Commons license",
    size="123,287 photos, 20 GB",
    citation="Lin et al., Microsoft COCO: Common Objects in Context, ECCV 2014",
    downloads=(
        Download(
            _ZIPS + "train2017.zip",
            "train2017.zip",
            "sha256:69a8bb58ea5f8f99d24875f21416de2e9ded3178e903f1f7603e283b9e06d929",
            _SUMS,
        ),
        Download(
            _ZIPS + "val2017.zip",
            "val2017.zip",
            "sha256:4f7e2ccb2866ec5041993c9cf2a952bbed69647b115d0f74da7ce8f4bef82f05",
            _SUMS,
        ),
    ),
    choose=by_pattern(r"(?P<split>train|val)2017/(?P<name>\d+\.jpg)"),
)
