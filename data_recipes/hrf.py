"""HRF: photos of the retina in high resolution.

The labels are the file names' own: dr (diabetic retinopathy), g (glaucoma), h (healthy).
"""

from data_recipes.recipe import Download, Recipe, by_pattern

RECIPE = Recipe(
    name="hrf",
    title="HRF, retina photos in high resolution",
    page="https://www5.cs.fau.de/research/data/fundus-images/",
    license="Creative Commons Attribution 4.0",
    size="45 photos, 73 MB",
    citation="Budai et al., Robust Vessel Segmentation in Fundus Images, IJBI 2013",
    downloads=(
        Download(
            "https://www5.cs.fau.de/fileadmin/research/datasets/fundus-images/all.zip", "all.zip"
        ),
    ),
    choose=by_pattern(r"(?:all/)?images/(?P<name>\d+_(?P<label>dr|g|h)\.jpg)"),
)
