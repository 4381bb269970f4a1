import http.server
import os
import shutil
import subprocess
import sys
import tarfile
import threading
from functools import partial
from pathlib import Path

import keras
import numpy as np
import pytest
from hub_modules import save_module

from zoo import preprocessing
from zoo.errors import ZooError
from zoo.fullsize import FullSize
from zoo.networks.classifiers import Spec
from zoo.networks.embeddings import open_embedding

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def module(tmp_path_factory):
    return save_module(tmp_path_factory.mktemp("hub") / "module")


@pytest.fixture
def server(tmp_path):
    """A server on this machine for the files in a folder, and the paths that it was asked for."""
    asked = []

    class Handler(http.server.SimpleHTTPRequestHandler):
        def do_GET(self):
            asked.append(self.path)
            super().do_GET()

        def log_message(self, *args):
            pass

    folder = tmp_path / "served"
    folder.mkdir()
    served = http.server.ThreadingHTTPServer(
        ("127.0.0.1", 0), partial(Handler, directory=str(folder))
    )
    threading.Thread(target=served.serve_forever, daemon=True).start()
    yield folder, f"http://127.0.0.1:{served.server_port}", asked
    served.shutdown()
    served.server_close()


def flat(red, green, blue, height=20, width=30):
    return np.full((1, height, width, 3), (red, green, blue), np.uint8)


def of_photos(embedding, rgb):
    """The vectors of (N, H, W, 3) uint8 photos."""
    side = embedding.size
    return embedding.of_squares(FullSize(rgb).working_lightness((side, side)))


def pack(module, path):
    with tarfile.open(path, "w:gz") as archive:
        for part in sorted(module.rglob("*")):
            archive.add(part, part.relative_to(module), recursive=False)


def test_specifications_are_taken_apart():
    assert Spec.parse("scratch") == Spec("scratch")
    assert Spec.parse("zeros,width=7") == Spec("zeros", "", {"width": "7"})
    assert Spec.parse("keras:VGG16,weights=/a,b/c.h5").settings == {"weights": "/a,b/c.h5"}
    assert Spec.parse("hub:/my, old/module,size=8") == Spec("hub", "/my, old/module", {"size": "8"})
    assert Spec.parse("hub:https://a.b/c?d=e").name == "https://a.b/c?d=e"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("hubb:x", "did you mean 'hub'"),
        ("hub", "write hub:HANDLE"),
        ("hub:", "write hub:HANDLE"),
        ("zeros:5", "write hub:HANDLE"),
        ("zeros,widht=5", "did you mean 'width'"),
        ("keras:VGG16,size=5", "no setting of keras embeddings 'size'"),
        ("encoder:efficientnet_lite0,width=5", "no setting of encoder embeddings 'width'"),
    ],
)
def test_specifications_that_cannot_be_read(text, told):
    with pytest.raises(ZooError, match=told):
        open_embedding(text)


@pytest.mark.parametrize("width", ["0", "-3", "2.5", "wide", "²"])
def test_a_width_is_a_positive_whole_number(width):
    with pytest.raises(ZooError, match="width must be a positive whole number"):
        _ = open_embedding(f"zeros,width={width}").width


def test_scratch_is_its_users_own():
    assert open_embedding("scratch,width=12") is None
    assert open_embedding("encoder") is None


def test_zeros():
    embedding = open_embedding("zeros,width=5")
    np.testing.assert_array_equal(of_photos(embedding, flat(1, 2, 3)), np.zeros((1, 5)))
    assert embedding.sha256 != open_embedding("zeros,width=6").sha256


def test_a_module_tells_its_size_and_width(module):
    embedding = open_embedding(f"hub:{module}")
    assert (embedding.size, embedding.width) == (16, 9)


@pytest.mark.parametrize(
    ("suffix", "low", "high"), [("", 0, 1), (",range=-1:1", -1, 1), (",range=0:255", 0, 255)]
)
def test_a_module_gets_gray_in_its_range(module, suffix, low, high):
    vectors = of_photos(open_embedding(f"hub:{module}{suffix}"), flat(100, 100, 100))
    expected = low + (high - low) * 100 / 255
    np.testing.assert_allclose(vectors[0, :6], expected, rtol=1e-3)


def test_a_module_sees_no_color(module):
    """Red and its gray have one lightness: skimage says which gray that is."""
    from skimage.color import lab2rgb, rgb2lab

    red = flat(200, 30, 40)
    lightness = rgb2lab(red)[0, 0, 0, 0]
    gray = lab2rgb([[[lightness, 0, 0]]])[0, 0]
    vectors = of_photos(open_embedding(f"hub:{module}"), red)
    np.testing.assert_allclose(vectors[0, :3], gray, atol=1e-3)


def test_a_module_sees_the_whole_photo(module):
    """The left half is black, the right one white: the corner is dark, the mean in between."""
    photo = flat(0, 0, 0, 40, 160)
    photo[:, :, 80:] = 255
    vectors = of_photos(open_embedding(f"hub:{module}"), photo)
    assert vectors[0, 0] < 0.02
    assert vectors[0, 3] == pytest.approx(0.5, abs=0.02)


def test_many_photos_give_what_single_ones_give(module):
    photos = np.random.default_rng(0).integers(0, 256, (70, 12, 20, 3), dtype=np.uint8)
    embedding = open_embedding(f"hub:{module}")
    together = of_photos(embedding, photos)
    assert together.shape == (70, 9)
    assert together.dtype == np.float32
    for index in (0, 31, 32, 69):
        alone = of_photos(embedding, photos[index : index + 1])
        np.testing.assert_allclose(together[index], alone[0], rtol=1e-5, atol=1e-6)


def test_lightness_gives_what_its_photo_gives(module):
    from skimage.color import rgb2lab

    photos = np.random.default_rng(1).integers(0, 256, (2, 16, 16, 3), dtype=np.uint8)
    lightness = rgb2lab(photos)[..., :1].astype("float32")
    embedding = open_embedding(f"hub:{module}")
    size = embedding.size
    np.testing.assert_allclose(
        embedding.of_squares(preprocessing.resample_lightness(lightness, (size, size))),
        of_photos(embedding, photos),
        atol=1e-3,
    )


def test_what_a_module_does_not_state_is_declared(tmp_path):
    free = save_module(tmp_path / "free", size=None)
    with pytest.raises(ZooError, match=r"does not state its size; add it .*,size=224"):
        _ = open_embedding(f"hub:{free}").size
    embedding = open_embedding(f"hub:{free},size=10,width=9")
    assert (embedding.size, embedding.width) == (10, 9)
    assert of_photos(embedding, flat(9, 9, 9)).shape == (1, 9)


def test_a_declared_module_is_read_when_it_is_needed(module):
    embedding = open_embedding("hub:/nowhere,size=16,width=9")
    assert (embedding.size, embedding.width) == (16, 9)
    with pytest.raises(ZooError, match="no TF Hub module in /nowhere"):
        _ = embedding.sha256
    with pytest.raises(ZooError, match="gives 9 numbers a photo and not the 8"):
        of_photos(open_embedding(f"hub:{module},size=16,width=8"), flat(9, 9, 9))


def test_a_range_has_two_numbers(module):
    with pytest.raises(ZooError, match="range must be two numbers"):
        of_photos(open_embedding(f"hub:{module},range=1"), flat(9, 9, 9))


def test_the_hash_follows_the_content(module, tmp_path):
    known = open_embedding(f"hub:{module}").sha256
    moved = shutil.copytree(module, tmp_path / "moved")
    assert open_embedding(f"hub:{moved}").sha256 == known
    assert open_embedding(f"hub:{moved},range=-1:1").sha256 != known
    assert open_embedding(f"hub:{moved},range=0:1").sha256 == known
    other = save_module(tmp_path / "other", seed=1)
    shutil.copytree(other / "variables", moved / "variables", dirs_exist_ok=True)
    assert open_embedding(f"hub:{moved}").sha256 != known


@pytest.mark.parametrize("damage", [b"", b"not a module", b"\x0a\xff\xff"])
@pytest.mark.parametrize("file", ["saved_model.pb", "variables/variables.data-00000-of-00001"])
def test_damaged_modules(module, tmp_path, file, damage):
    broken = shutil.copytree(module, tmp_path / "broken")
    (broken / file).write_bytes(damage)
    with pytest.raises(ZooError, match=r"(unpack|fetch).* again"):
        _ = open_embedding(f"hub:{broken}").size


def test_a_module_that_is_no_image_classifier(tmp_path):
    import tensorflow as tf

    module = tf.Module()
    module.serve = tf.function(
        lambda x: {"y": x}, input_signature=[tf.TensorSpec((None, 4), tf.float32)]
    )
    tf.saved_model.save(module, str(tmp_path / "other"), signatures=module.serve)
    with pytest.raises(ZooError, match="takes a batch of images"):
        _ = open_embedding(f"hub:{tmp_path / 'other'}").size


def _writes(path):
    import tensorflow as tf

    def also(images):
        with tf.control_dependencies([tf.io.write_file(str(path), "written")]):
            return tf.reduce_sum(images) * 0

    return also


def _saves(path):
    import tensorflow as tf

    def also(images):
        saved = tf.raw_ops.SaveV2(
            prefix=str(path), tensor_names=["x"], shape_and_slices=[""], tensors=[images]
        )
        with tf.control_dependencies([saved]):
            return tf.reduce_sum(images) * 0

    return also


def _runs_python(path):
    import tensorflow as tf

    def also(images):
        return tf.py_function(lambda: Path(path).touch() or 0.0, [], tf.float32)

    return also


@pytest.mark.parametrize("attack", [_writes, _saves, _runs_python])
def test_a_module_that_reaches_beyond_its_numbers_is_refused(tmp_path, attack):
    target = tmp_path / "target"
    bad = save_module(tmp_path / "bad", also=attack(target))
    with pytest.raises(ZooError, match="touch files or run Python"):
        of_photos(open_embedding(f"hub:{bad}"), flat(9, 9, 9))
    assert not list(tmp_path.glob("target*"))


def test_a_module_is_fetched_once(module, server, monkeypatch, tmp_path):
    folder, url, asked = server
    pack(module, folder / "module")
    monkeypatch.setenv("TFHUB_CACHE_DIR", str(tmp_path / "cache"))
    for _ in range(2):
        embedding = open_embedding(f"hub:{url}/module")
        assert (embedding.size, embedding.width) == (16, 9)
        assert embedding.sha256 == open_embedding(f"hub:{module}").sha256
    assert len(asked) == 1


@pytest.mark.parametrize("served", [None, b"no archive"])
def test_a_module_that_cannot_be_fetched(server, monkeypatch, tmp_path, served):
    folder, url, _ = server
    if served is not None:
        (folder / "module").write_bytes(served)
    monkeypatch.setenv("TFHUB_CACHE_DIR", str(tmp_path / "cache"))
    with pytest.raises(ZooError, match=r"cannot be fetched .*give hub:FOLDER\.$"):
        _ = open_embedding(f"hub:{url}/module").sha256


def test_an_archive_cannot_write_elsewhere(server, monkeypatch, tmp_path):
    folder, url, _ = server
    (tmp_path / "evil").write_text("evil")
    with tarfile.open(folder / "module", "w:gz") as archive:
        archive.add(tmp_path / "evil", "../../outside")
    monkeypatch.setenv("TFHUB_CACHE_DIR", str(tmp_path / "deep" / "cache"))
    with pytest.raises(ZooError):
        _ = open_embedding(f"hub:{url}/module").sha256
    assert not list(tmp_path.rglob("outside"))


@pytest.fixture(scope="module")
def mobile_net():
    return open_embedding("keras:MobileNet,weights=none")


def test_a_keras_classifier_gets_what_its_preprocessing_expects(mobile_net):
    """MobileNet expects [-1, 1]: an image prepared by hand gives the same logits."""
    photo = flat(100, 100, 100, 224, 224)
    by_hand = photo.astype("float32") / 127.5 - 1
    logits = mobile_net._network.predict_on_batch(by_hand)
    assert mobile_net.size == 224
    assert logits.shape == (1, mobile_net.width) == (1, 1000)
    assert np.ptp(logits) > 0.01
    np.testing.assert_allclose(of_photos(mobile_net, photo), logits, rtol=0.01, atol=1e-3)
    assert abs(logits.sum() - 1) > 0.01  # before the softmax


def test_drawn_weights_are_always_the_same(mobile_net):
    again = open_embedding("keras:MobileNet,weights=none")
    assert again.sha256 == mobile_net.sha256


def test_weights_from_a_file(mobile_net, tmp_path):
    path = tmp_path / "mine.weights.h5"
    mobile_net._network.save_weights(path)
    assert open_embedding(f"keras:MobileNet,weights={path}").sha256 == mobile_net.sha256
    with pytest.raises(ZooError, match=r"cannot be made with weights=.*give the \.h5"):
        _ = open_embedding(f"keras:MobileNetV2,weights={path}").sha256
    with pytest.raises(ZooError, match=r"cannot be made with weights=.*give the \.h5"):
        _ = open_embedding("keras:MobileNet,weights=/nowhere.weights.h5").sha256


def test_an_unknown_keras_classifier():
    with pytest.raises(ZooError, match="did you mean 'InceptionResNetV2'"):
        _ = open_embedding("keras:InceptionResnetV2,weights=none").size


def test_imagenet_weights_without_a_network_connection(tmp_path):
    """In a process of its own, as Keras decides when it is imported where it keeps files."""
    code = (
        "from zoo.networks.embeddings import open_embedding\n"
        "try:\n    open_embedding('keras:MobileNet').sha256\n"
        "except ValueError as error:\n    print(error)\n"
    )
    offline = dict.fromkeys(("https_proxy", "HTTPS_PROXY"), "http://127.0.0.1:9")
    done = subprocess.run(
        [sys.executable, "-c", code],
        env=os.environ | offline | {"KERAS_HOME": str(tmp_path), "no_proxy": ""},
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    told = done.stdout.strip().splitlines()[-1]
    assert told.startswith("The ImageNet weights of MobileNet cannot be fetched; get https://")
    place = str(tmp_path / "models" / "mobilenet_1_0_224_tf.h5")
    assert f"put it at {place}, or name a file" in told


@pytest.mark.skipif("ZOO_HUB" not in os.environ, reason="ZOO_HUB names no folder with a classifier")
def test_a_real_classifier_sees_a_cat():
    from skimage.data import chelsea

    folder = Path(os.environ["ZOO_HUB"])
    labels = (folder / "imagenet_labels_1001.txt").read_text().splitlines()
    embedding = open_embedding(f"hub:{folder / 'mobilenet_v2_100_224_classification'}")
    (logits,) = of_photos(embedding, chelsea()[None])
    assert len(logits) == len(labels) == 1001
    # 1,001 classes: a background before those of ImageNet, in which 281 to 285 are house cats.
    assert 282 <= np.argmax(logits) <= 286
    assert "cat" in labels[np.argmax(logits)]


@pytest.mark.parametrize("size", [None, 160])
def test_the_encoder_s_classifier_sees_a_cat(size):
    """Without its colors; of the classes of ImageNet 281 to 285 are house cats."""
    from skimage.data import chelsea

    embedding = open_embedding("encoder:efficientnet_lite0" + (f",size={size}" if size else ""))
    assert (embedding.width, embedding.size) == (1000, size or 224)
    (logits,) = of_photos(embedding, chelsea()[None])
    assert set(np.argsort(logits)[-2:]) <= set(range(281, 286))
    side = (embedding.size, embedding.size)
    lightness = FullSize(chelsea()[None]).working_lightness(side)
    (traced,) = keras.ops.convert_to_numpy(embedding.of_squares(lightness, traced=True))
    np.testing.assert_allclose(traced, logits, atol=1e-4)
    with pytest.raises(ZooError, match="sees no colors"):
        embedding.with_features(np.zeros((1, *side, 3), "float32"))


def test_every_keras_classifier_is_found():
    """Each has its own preprocessing beside it; none is made here."""
    for name in (
        "VGG16",
        "ResNet50",
        "ResNet50V2",
        "InceptionV3",
        "EfficientNetB0",
        "ConvNeXtTiny",
    ):
        family = open_embedding(f"keras:{name}")._family
        assert getattr(family, name) is getattr(keras.applications, name)
        assert callable(family.preprocess_input)
