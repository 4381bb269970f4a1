"""TF flowers: five kinds of flowers, as in TensorFlow's tutorials."""

from data_recipes.recipe import Download, Recipe, by_pattern

RECIPE = Recipe(
    name="tf-flowers",
    title="TF flowers, five kinds",
    page="https://www.tensorflow.org/datasets/catalog/tf_flowers",
    license="Creative Commons Attribution; LICENSE.txt in the archive names the authors",
    size="3,670 photos, 229 MB",
    citation="The TensorFlow Team, Flowers, 2019",
    downloads=(
        Download(
            "http://download.tensorflow.org/example_images/flower_photos.tgz",
            "flower_photos.tgz",
            "sha256:4c54ace7911aaffe13a365c34f650e71dd5bf1be0a58b464e5a7183e3e595d9c",
            "TensorFlow Datasets (tensorflow_datasets/url_checksums/tf_flowers.txt)",
        ),
    ),
    choose=by_pattern(r"flower_photos/(?P<label>[^/]+)/(?P<name>[^/]+\.jpg)"),
)
