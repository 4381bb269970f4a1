"""LFW: faces in news photos.

The original host is gone; the file is on figshare, where scikit-learn fetches it from. People are
no labels here: most have one photo only, which teaches nothing.
"""

from data_recipes.recipe import Download, Recipe, by_pattern

RECIPE = Recipe(
    name="lfw",
    title="LFW, faces in news photos",
    page="https://scikit-learn.org/stable/datasets/real_world.html#labeled-faces-in-the-wild-dataset",
    license="for research; the photos belong to their owners",
    size="13,233 photos, 181 MB",
    citation="Huang et al., Labeled Faces in the Wild, Technical Report 07-49, UMass 2007",
    downloads=(
        Download(
            "https://ndownloader.figshare.com/files/5976018",
            "lfw.tgz",
            "sha256:055f7d9c632d7370e6fb4afc7468d40f970c34a80d4c6f50ffec63f5a8d536c0",
            "scikit-learn (sklearn/datasets/_lfw.py)",
        ),
    ),
    choose=by_pattern(r"lfw/[^/]+/(?P<name>[^/]+\.jpg)"),
)
