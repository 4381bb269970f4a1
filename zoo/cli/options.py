"""Options that several commands and scripts have, with one help text each."""

from pathlib import Path
from typing import Annotated

from typer import Option

from zoo.executors import EXECUTORS

Photos = Annotated[
    list[Path],
    Option(metavar="DIR", help="Folder of color photos, a .csv manifest or a film; repeatable."),
]
ValidationPhotos = Annotated[
    list[Path] | None,
    Option(metavar="DIR", help="Photos that choose the best weights; repeatable; else 5 % of all."),
]
PhotoSide = Annotated[
    int | None, Option(min=1, help="Shrink larger photos to this short side in px.")
]
TrainingSizes = Annotated[
    str | None,
    Option(
        metavar="PX[,PX...]",
        help="Side of the training squares; several have equal shares: 64,96,128.",
    ),
]
TrainingBudget = Annotated[
    str, Option(help="Photos seen, passes over them, or a time: 20000, 20epochs, 90s, 15min.")
]
Executor = Annotated[
    str,
    Option(
        help="Where it runs: "
        + "; ".join(f"{name}: {what}" for name, what in EXECUTORS.items())
        + "."
    ),
]
Seed = Annotated[int, Option(min=0, help="Decides every random choice.")]
Precision = Annotated[str, Option(help="auto (what is faster here), float32 or mixed_bfloat16.")]
Settings = Annotated[
    list[str] | None,
    Option("--set", metavar="FIELD=VALUE", help="Configuration; `zoo info` lists it."),
]
PredictionOptions = Annotated[
    list[str] | None,
    Option(
        "-o", "--option", metavar="NAME=VALUE", help="Prediction option; `zoo info` lists them."
    ),
]
#: Of predictions.
PRECISIONS = ("float32", "auto")
PredictionPrecision = Annotated[
    str,
    Option(
        "--precision",
        help="float32, or auto: int8 where a measurement shows that it is faster here and that "
        "colors hardly differ (extra onnx).",
    ),
]
LabelsApart = Annotated[
    list[str] | None,
    Option(
        metavar="LABEL",
        help="Test photos of this label, as those that a pretrained encoder may know, get a table "
        "of their own and count in no other figure; repeatable.",
    ),
]
MetricNetworks = Annotated[
    list[str] | None,
    Option(
        metavar="METRIC=NETWORK",
        help="A metric of a pretrained network, as classifier=hub:FOLDER; repeatable.",
    ),
]
HintFile = Annotated[
    Path | None,
    Option(
        "--hints",
        metavar="FILE",
        help="Colors for places of the one photo, or for the whole of it, as JSON.",
    ),
]
Strokes = Annotated[
    Path | None,
    Option(
        "--strokes",
        metavar="FILE",
        help="Colors painted on a transparent picture of the one photo's size, as PNG.",
    ),
]
Answers = Annotated[
    int | None,
    Option(
        "--answers",
        min=2,
        max=8,
        metavar="N",
        help="So many plausible answers of each photo, 2 to 8: NAME-1, NAME-2 and so on.",
    ),
]

_REFERENCES = "Options for references"
ReferenceFile = Annotated[
    Path | None,
    Option(
        "--reference",
        metavar="FILE",
        help="A photo in color whose colors are taken.",
        rich_help_panel=_REFERENCES,
    ),
]
Transfer = Annotated[
    str | None,
    Option(
        "--transfer",
        metavar="HOW",
        help="match (what looks alike; the default), reinhard (statistics), welsh (luminance and "
        "texture) or style (neural style transfer).",
        rich_help_panel=_REFERENCES,
    ),
]
Swatches = Annotated[
    list[str] | None,
    Option(
        "--swatch",
        metavar="X,Y,W,H=X,Y,W,H",
        help="For welsh: a region of the one photo, and the region of the reference that it takes "
        "its colors from, in px; repeatable.",
        rich_help_panel=_REFERENCES,
    ),
]
Iterations = Annotated[
    int | None,
    Option(min=1, help="For style: of L-BFGS; 60 without it.", rich_help_panel=_REFERENCES),
]
StyleFeatures = Annotated[
    str | None,
    Option(
        "--features",
        metavar="NETWORK",
        help="For style: efficientnet_lite0 (comes with the package), keras:VGG19, keras:VGG16 or "
        "hed (extra style).",
        rich_help_panel=_REFERENCES,
    ),
]

_FILMS = "Options for films"
Smoothing = Annotated[
    str,
    Option(
        metavar="HOW",
        help="Against flicker: motion (follows what moves), past or none.",
        rich_help_panel=_FILMS,
    ),
]
LookAhead = Annotated[
    int,
    Option(
        metavar="FRAMES",
        help="Smooth by so many frames that follow, too; takes longer.",
        rich_help_panel=_FILMS,
    ),
]
KeyFrames = Annotated[
    list[str] | None,
    Option(
        "--keyframe",
        metavar="TIME=FILE",
        help="A colored frame, as 00:01:10=frame.png, that its shot takes colors from; repeatable.",
        rich_help_panel=_FILMS,
    ),
]
Start = Annotated[
    str, Option(metavar="TIME", help="Color from here on: 70 or 00:01:10.", rich_help_panel=_FILMS)
]
End = Annotated[
    str | None, Option(metavar="TIME", help="Color up to here.", rich_help_panel=_FILMS)
]
FilmCodec = Annotated[
    str, Option("--codec", help="h264, h265, vp9 or ffv1 (lossless).", rich_help_panel=_FILMS)
]
Preview = Annotated[
    bool,
    Option("--preview", help="Show gray at the left of the colors.", rich_help_panel=_FILMS),
]
