"""What explains an exported folder: README.md, card.json, a sample photo and its colors."""

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import keras
import numpy as np
import tensorflow as tf

from zoo import preprocessing
from zoo._version import __version__
from zoo.card import Artifact, Export, Outcome, write_card
from zoo.color.spaces import lightness_to_gray, rgb_to_lightness, unit_to_uint8
from zoo.export.artifacts import PLACES
from zoo.export.questions import other_values
from zoo.export.signatures import COLORIZE, COLORIZE_ENCODED, PREDICT_AB, SERVING_DEFAULT, Signature
from zoo.files import sha256_of_file
from zoo.options import RENDER_FACTOR
from zoo.photos.decoding import write_photo
from zoo.photos.samples import sample_photos

if TYPE_CHECKING:
    from zoo.colorizer import Colorizer
    from zoo.export.plan import Plan

#: The photo that comes along: Stefan van der Walt's cat, in the public domain (CC0).
_SAMPLE, _SAMPLE_SIDE = "chelsea.png", 256


def sample_photo() -> np.ndarray:
    """The photo that exports are checked on and shown with: (H, W, 3) uint8."""
    (photo,) = (one for one in sample_photos("train") if one.name == _SAMPLE)
    return photo.read(_SAMPLE_SIDE)


def write(
    model: "Colorizer",
    folder: Path,
    plan: "Plan",
    outcomes: Mapping[str, Outcome],
    photo: np.ndarray,
) -> None:
    """Write everything but the artifacts; `photo` is for the sample, (H, W, 3) uint8."""
    gray = np.asarray(unit_to_uint8(lightness_to_gray(rgb_to_lightness(photo))))
    write_photo(folder / "sample.png", gray)
    colored = model.colorize_batch(gray[None], **plan.options)[0]
    write_photo(folder / "sample_colorized.png", colored)
    export = describe(model, folder, plan, outcomes)
    (folder / "README.md").write_text(_readme(model, plan, export), "utf-8")


def describe(
    model: "Colorizer", folder: Path, plan: "Plan", outcomes: Mapping[str, Outcome]
) -> Export:
    """Write the card of an export, and return its part about the artifacts."""
    export = Export(
        options=dict(plan.options),
        weights=plan.weights,
        litert_size=plan.size,
        calibration_photos=len(plan.calibration),
        tensorflow_version=tf.__version__,
        keras_version=keras.__version__,
        artifacts={name: _described(folder, name, outcomes[name]) for name in outcomes},
    )
    names: dict[str, Any] = {"model": model.name, "preset": model.preset}
    card = dataclasses.replace(model.card, **names, zoo_version=__version__, export=export)
    write_card(folder, card)
    return export


def _described(folder: Path, name: str, outcome: Outcome) -> Artifact:
    place = folder / PLACES[name]
    files = [place] if place.is_file() else sorted(p for p in place.rglob("*") if p.is_file())
    return Artifact(
        path=PLACES[name],
        megabytes=round(sum(file.stat().st_size for file in files) / 1e6, 2),
        sha256={file.relative_to(folder).as_posix(): sha256_of_file(file) for file in files},
        check=outcome,
    )


# ---------------------------------------------------------------------- README.md

#: What is behind the names of inputs and outputs.
_KINDS = {
    "photos": "uint8 (N, H, W, 3) RGB or (N, H, W, 1) gray",
    "colorized": "uint8 (N, H, W, 3)",
    "photo_bytes": "string (N,), JPEG or PNG files of any sizes",
    "colorized_bytes": "string (N,), PNG files",
    "lightness": "float32 (N, h, w, 1), L of CIE Lab in [0, 100], of the size that the network shall see",
    "ab": "float32 (N, h, w, 2), a and b of CIE Lab",
}


def _readme(model: "Colorizer", plan: "Plan", export: Export) -> str:
    others = other_values(model, plan.options)
    writers = {"saved_model": _saved_model, "onnx": _onnx, "litert": _litert}
    parts = [_introduction(model, plan, export)]
    parts += [writers[name](plan, others) for name in plan.formats]
    return "\n\n".join(part.strip() for part in parts) + "\n"


def _introduction(model: "Colorizer", plan: "Plan", export: Export) -> str:
    rows = "\n".join(
        f"| `{found.path}` | {name} | {found.megabytes:g} MB | at most {found.check.max_difference} of 255 off, "
        f"CIEDE2000 {found.check.ciede2000:g} on average ({found.check.photos} photos) |"
        for name, found in export.artifacts.items()
    )
    ranges = {
        o.name: f"an input, float32 (), from {o.low:g} to {o.high:g}"
        for o in model.options
        if o.export == "input"
    }
    options = "\n".join(
        f"| `{one.name}` | {plan.options[one.name]:g} | {ranges.get(one.name, 'fixed')} | {one.meaning} |"
        for one in model.options
        if one.name in plan.options
    )
    return f"""
# {model.name}:{model.preset}, exported

A model that colors black-and-white photos: photo in, color photo out. Every pixel keeps its own lightness; the
network sees the photo with its short side at {_side(plan)} px, and only its color is enlarged again. Made by
colorization-zoo {__version__}, which is not needed to use it. Weights: {plan.weights}.

| file | format | size | against the original model |
|---|---|---|---|
{rows}
| `card.json` | what it was trained on and how, signatures, options, versions, sha256 of the files | | |
| `sample.png`, `sample_colorized.png` | a gray photo, and what the original model makes of it | | |

Color photos may be given, too: only their lightness counts. Colors are plausible, not true.

| option | value | here | meaning |
|---|---|---|---|
{options}

| | encoded files | photos of any size | several photos at once | memory |
|---|---|---|---|---|
| SavedModel | JPEG and PNG | yes | of one size, or files of any sizes | bounded: large photos in stripes |
| ONNX | no, pixels | yes | of one size | grows with the photo |
| LiteRT, network | no, lightness | yes | of one size | of the network |
| LiteRT, photo | no, pixels | no, the one fixed at export | no | of the photo |
"""


def _side(plan: "Plan") -> int:
    return preprocessing.RENDER_UNIT * int(plan.options[RENDER_FACTOR.name])


def _table(functions: Mapping[str, Signature], kinds: Mapping[str, str] = _KINDS) -> str:
    rows = [
        f"| {title} | `{one.takes}` {kinds[one.takes]} | `{one.gives}` {kinds[one.gives]} |"
        for title, one in functions.items()
    ]
    return "\n".join(["| signature | input | output |", "|---|---|---|", *rows])


def _arguments(options: Mapping[str, float], kind: str = "{:g}") -> str:
    return "".join(f", {name}={kind.format(value)}" for name, value in options.items())


def _saved_model(plan: "Plan", others: Mapping[str, float]) -> str:
    functions = {
        f"`{SERVING_DEFAULT}`, in Python `colorize`": COLORIZE,
        "`colorize_encoded`": COLORIZE_ENCODED,
        "`predict_ab`": PREDICT_AB,
    }
    also = example = ""
    if others:
        forms = ", ".join(f"`{one.with_options}`" for one in functions.values())
        also = f"""
Each has a second form that takes the options, too: {forms}. Python
(`model.colorize_with_options(photos{_arguments(others)})`) and TF Serving put the values of the table above in the place of
options that are left out; `model.signatures["{COLORIZE.with_options}"]` wants all of them.
"""
        example = f"""
other = model.colorize_with_options(photos{_arguments(others)})["colorized"]
print(other.shape)"""
    return f"""
## SavedModel

{_table(functions)}
{also}
Files: the EXIF rotation of JPEG files is applied (that of PNG files is not looked at). Opacity is kept; a single transparent color of a gray or RGB
PNG is not. 16 bits become 8: gray by rounding, color by its high bytes. The PNG that comes back has 8 bits and no metadata.

### Python, with nothing but TensorFlow

```python
import tensorflow as tf

model = tf.saved_model.load("saved_model/1")
files = [tf.io.read_file("sample.png")]  # JPEG or PNG, of any sizes
colorized = model.colorize_encoded(tf.stack(files))["colorized_bytes"]
tf.io.write_file("colorized.png", colorized[0])

photos = tf.io.decode_png(files[0], channels=3)[tf.newaxis]  # uint8 (1, H, W, 3)
print(model.colorize(photos)["colorized"].shape){example}
```

`tensorflow_hub.load("saved_model/1")` gives the same object.

### TF Serving

The folder `saved_model` holds the version `1`, as TF Serving wants it:

```bash
# in one terminal
docker run -p 8501:8501 -v "$PWD/saved_model:/models/colorizer" -e MODEL_NAME=colorizer tensorflow/serving
# in another one
echo '{{"signature_name": "colorize_encoded", "inputs": {{"photo_bytes": [{{"b64": "'$(base64 -w0 sample.png)'"}}]}}}}' |
  curl -s -d @- http://localhost:8501/v1/models/colorizer:predict |
  python3 -c 'import base64, json, sys; open("colorized.png", "wb").write(base64.b64decode(json.load(sys.stdin)["outputs"][0]["b64"]))'
```
"""


def _onnx(plan: "Plan", others: Mapping[str, float]) -> str:
    also = ""
    if others:
        given = ", ".join(
            f'"{name}": np.array({value:g}, "float32")' for name, value in others.items()
        )
        also = f"""
The options are inputs, too, which may be left out: `session.run(["colorized"], {{"photos": photos, {given}}})`.
"""
    return f"""
## ONNX

{_table({"`colorize`": COLORIZE}).replace("signature", "function")}
{also}
```python
import numpy as np
import onnxruntime
from PIL import Image

session = onnxruntime.InferenceSession("model.onnx")
photos = np.asarray(Image.open("sample.png").convert("RGB"))[None]
(colorized,) = session.run(["colorized"], {{"photos": photos}})
Image.fromarray(colorized[0]).save("colorized.png")
```
"""


def _litert(plan: "Plan", others: Mapping[str, float]) -> str:
    signature = PREDICT_AB if plan.size is None else COLORIZE
    also = ""
    if others:
        arguments = _arguments(others, "np.float32({:g})")
        also = f"""
A second signature, `{signature.with_options}`, takes the options, too:
`Interpreter("model.tflite").get_signature_runner("{signature.with_options}")({signature.takes}={signature.takes}{arguments})`.
"""
    if plan.size is None:
        return _litert_network(_side(plan), also)
    height, width = plan.size
    shape = f"uint8 (1, {height}, {width}, 3)"
    return f"""
## LiteRT

{_table({"`colorize`": COLORIZE}, {"photos": f"{shape} RGB", "colorized": shape})}
{also}
```python
import numpy as np
from ai_edge_litert.interpreter import Interpreter
from PIL import Image

colorize = Interpreter("model.tflite").get_signature_runner("colorize")
photos = np.asarray(Image.open("sample.png").convert("RGB").resize(({width}, {height})))[None]
colorized = colorize(photos=photos)["colorized"]
Image.fromarray(colorized[0]).save("colorized.png")
```
"""


def _litert_network(side: int, also: str) -> str:
    return f"""
## LiteRT

{_table({"`predict_ab`": PREDICT_AB})}
{also}
The photo is best given with its short side at {side} px. Its colors are those of `ab`, enlarged to the photo's size, together with the
photo's own L, as here with scikit-image:

```python
import numpy as np
from ai_edge_litert.interpreter import Interpreter
from PIL import Image
from skimage.color import lab2rgb, rgb2lab
from skimage.transform import resize

predict_ab = Interpreter("model.tflite").get_signature_runner("predict_ab")
image = Image.open("sample.png").convert("RGB")
scale = {side} / min(image.size)
small = image.resize([round(side * scale) for side in image.size], Image.Resampling.LANCZOS)
lightness = rgb2lab(np.asarray(small))[None, ..., :1].astype(np.float32)
ab = predict_ab(lightness=lightness)["ab"][0]
own = rgb2lab(np.asarray(image))[..., :1]
lab = np.concatenate([own, resize(ab, own.shape[:2], order=1)], axis=-1)
Image.fromarray(np.uint8(np.rint(255 * lab2rgb(lab)))).save("colorized.png")
```
"""
