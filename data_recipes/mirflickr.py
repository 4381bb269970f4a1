"""MIRFLICKR-25k: 25,000 photos from Flickr. The archive's folder `meta` is left in the archive."""

from data_recipes.recipe import Download, Recipe, by_pattern

RECIPE = Recipe(
    name="mirflickr",
    title="MIRFLICKR-25k, photos from Flickr",
    page="https://press.liacs.nl/mirflickr/mirdownload.html",
    license="Creative Commons, each photo its own; the archive names author and license of each",
    size="25,000 photos, 3.1 GB",
    citation="Huiskes and Lew, The MIR Flickr Retrieval Evaluation, ACM MIR 2008",
    downloads=(
        Download(
            "https://press.liacs.nl/mirflickr/mirflickr25k.v3b/mirflickr25k.zip",
            "mirflickr25k.zip",
            "md5:a23d0a8564ee84cda5622a6c2f947785",
            "the data set's download page",
        ),
    ),
    choose=by_pattern(r"mirflickr/(?P<name>im\d+\.jpg)"),
)
