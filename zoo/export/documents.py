"""What explains an exported folder: README.md, card.json, a sample photo and its colors."""

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING

import keras
import numpy as np
import tensorflow as tf

from zoo._version import __version__
from zoo.card import Artifact, Export, Outcome, write_card
from zoo.color.spaces import lightness_to_gray, rgb_to_lightness, unit_to_uint8
from zoo.export.artifacts import PLACES
from zoo.files import sha256_of_file
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
    outcomes: dict[str, Outcome],
    photo: np.ndarray,
) -> None:
    """Write everything but the artifacts.

    Args:
        model: what was exported.
        folder: the export's.
        plan: what it holds.
        outcomes: how far each format is off.
        photo: (H, W, 3) uint8, for the sample.
    """
    gray = np.asarray(unit_to_uint8(lightness_to_gray(rgb_to_lightness(photo))))
    write_photo(folder / "sample.png", gray)
    colored = model.colorize_batch(gray[None], **plan.options)[0]
    write_photo(folder / "sample_colorized.png", colored)
    export = Export(
        options=plan.options,
        weights=plan.weights,
        litert_size=plan.size,
        calibration_photos=len(plan.calibration),
        tensorflow_version=tf.__version__,
        keras_version=keras.__version__,
        artifacts={name: _described(folder, name, outcomes[name]) for name in outcomes},
    )
    named = {"model": model.name, "preset": model.preset, "zoo_version": __version__}
    write_card(folder, dataclasses.replace(model.card, **named, export=export))
    (folder / "README.md").write_text(_readme(model, plan, export), "utf-8")


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


def _readme(model: "Colorizer", plan: "Plan", export: Export) -> str:
    heat = plan.options.get("temperature")
    parts = [_introduction(model, plan, export)]
    writers = {"saved_model": _saved_model, "onnx": _onnx, "litert": _litert}
    parts += [writers[name](plan, heat) for name in plan.formats]
    return "\n\n".join(part.strip() for part in parts) + "\n"


def _introduction(model: "Colorizer", plan: "Plan", export: Export) -> str:
    options = ", ".join(f"`{name}` {value:g}" for name, value in plan.options.items())
    rows = "\n".join(
        f"| `{found.path}` | {name} | {found.megabytes:g} MB | {_accuracy(found.check)} |"
        for name, found in export.artifacts.items()
    )
    return f"""
# {model.name}:{model.preset}, exported

A model that colors black-and-white photos: photo in, color photo out. Every pixel keeps its own lightness; the
network sees the photo with its short side at {16 * int(plan.options["render_factor"])} px, and only its color is
enlarged again. Made by colorization-zoo {__version__}, which is not needed to use it.

Options: {options}. Weights: {plan.weights}.

| file | format | size | against the original model |
|---|---|---|---|
{rows}
| `card.json` | what it was trained on and how, options, versions, sha256 of the files | | |
| `sample.png`, `sample_colorized.png` | a gray photo, and what the original model makes of it | | |

Color photos may be given, too: only their lightness counts. Colors are plausible, not true.

| | encoded files | photos of any size | several photos at once | memory |
|---|---|---|---|---|
| SavedModel | JPEG and PNG | yes | of one size, or files of any sizes | bounded: large photos in stripes |
| ONNX | no, pixels | yes | of one size | grows with the photo |
| LiteRT, network | no, lightness | yes | of one size | of the network |
| LiteRT, photo | no, pixels | no, the one fixed at export | no | of the photo |
"""


def _accuracy(check: Outcome) -> str:
    return (
        f"at most {check.max_difference} of 255 off, CIEDE2000 {check.ciede2000:g} on average "
        f"({check.photos} photos)"
    )


def _saved_model(plan: "Plan", heat: float | None) -> str:
    extra = f", `temperature` float32 (), optional: {heat:g}" if heat is not None else ""
    also = ""
    if heat is not None:
        also = f"""
The temperature says how a color is read off the predicted distribution: 0 takes the most likely one (vivid), 1 the mean
(muted). `model.colorize(photos, temperature=0.1)` and TF Serving leave {heat:g} in place where none is given; a
signature that is called from Python (`model.signatures["serving_default"](photos=..., temperature=...)`) wants it.
"""
    return f"""
## SavedModel

| signature, Python | input | output |
|---|---|---|
| `serving_default`, `model.colorize` | `photos` uint8 (N, H, W, 3) RGB or (N, H, W, 1) gray{extra} | `colorized` uint8 (N, H, W, 3) |
| `colorize_encoded`, `model.colorize_encoded` | `photo_bytes` string (N,), JPEG or PNG files of any sizes{extra} | `colorized_bytes` string (N,), PNG files |
| `predict_ab`, `model.predict_ab` | `lightness` float32 (N, h, w, 1), L of CIE Lab in [0, 100], of the size that the network shall see{extra} | `ab` float32 (N, h, w, 2), a and b of CIE Lab |

Files: the EXIF rotation of JPEG files is applied (that of PNG files is not looked at). Opacity is kept; a single transparent color of a gray or RGB
PNG is not. 16 bits become 8: gray by rounding, color by its high bytes. The PNG that comes back has 8 bits and no metadata.
{also}
### Python, with nothing but TensorFlow

```python
import tensorflow as tf

model = tf.saved_model.load("saved_model/1")
files = [tf.io.read_file("sample.png")]  # JPEG or PNG, of any sizes
colorized = model.colorize_encoded(tf.stack(files))["colorized_bytes"]
tf.io.write_file("colorized.png", colorized[0])

photos = tf.io.decode_png(files[0], channels=3)[tf.newaxis]  # uint8 (1, H, W, 3)
print(model.colorize(photos)["colorized"].shape)
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


def _onnx(plan: "Plan", heat: float | None) -> str:
    extra = f", `temperature` float32 (), optional: {heat:g}" if heat is not None else ""
    return f"""
## ONNX

| input | output |
|---|---|
| `photos` uint8 (N, H, W, 3) RGB or (N, H, W, 1) gray{extra} | `colorized` uint8 (N, H, W, 3) |

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


def _litert(plan: "Plan", heat: float | None) -> str:
    extra = ", `temperature` float32 ()" if heat is not None else ""
    argument = f", temperature=np.array({heat:g}, np.float32)" if heat is not None else ""
    if plan.size is not None:
        height, width = plan.size
        return f"""
## LiteRT

| signature | input | output |
|---|---|---|
| `colorize` | `photos` uint8 (1, {height}, {width}, 3) RGB{extra} | `colorized` uint8 (1, {height}, {width}, 3) |

```python
import numpy as np
from ai_edge_litert.interpreter import Interpreter
from PIL import Image

colorize = Interpreter("model.tflite").get_signature_runner("colorize")
photos = np.asarray(Image.open("sample.png").convert("RGB").resize(({width}, {height})))[None]
colorized = colorize(photos=photos{argument})["colorized"]
Image.fromarray(colorized[0]).save("colorized.png")
```
"""
    side = 16 * int(plan.options["render_factor"])
    return f"""
## LiteRT

| signature | input | output |
|---|---|---|
| `predict_ab` | `lightness` float32 (N, h, w, 1), L of CIE Lab in [0, 100]{extra} | `ab` float32 (N, h, w, 2), a and b of CIE Lab |

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
ab = predict_ab(lightness=lightness{argument})["ab"][0]
own = rgb2lab(np.asarray(image))[..., :1]
lab = np.concatenate([own, resize(ab, own.shape[:2], order=1)], axis=-1)
Image.fromarray(np.uint8(np.rint(255 * lab2rgb(lab)))).save("colorized.png")
```
"""
