"""Patches as numbers, random samples of streams, and tables of means, against brute force."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from keras import ops
from PIL import Image
from scipy import ndimage
from skimage import color as reference
from sklearn.decomposition import PCA

from zoo import Budget, PhotoSet
from zoo.color.planes import AB
from zoo.models.patches.features import PatchFeatures, Reservoir, prototypes, sample_patches
from zoo.training.plan import TrainingPlan

rng = np.random.default_rng


def layer(side=3, scales=(1, 3), context=True, width=0, stride=1):
    made = PatchFeatures(side, scales, context, width, stride)
    made.build((None, None, None, 1))
    return made


def described_by_hand(image, row, column, side, scales, context):
    """The numbers of one pixel in float64; SciPy's "mirror" does not repeat the edge."""
    numbers = []
    for scale in scales:
        smooth = ndimage.uniform_filter(image, scale, mode="mirror")
        reach = scale * (side // 2)
        padded = np.pad(smooth, reach, mode="reflect")
        patch = padded[row : row + 2 * reach + 1 : scale, column : column + 2 * reach + 1 : scale]
        numbers += list(patch.ravel())
        if context:
            numbers.append(patch.std())
    if context:
        numbers.append((row + 0.5) / len(image) - 0.5)
    return np.array(numbers)


@given(
    seed=st.integers(0, 2**32 - 1),
    side=st.sampled_from([1, 3, 5]),
    scales=st.sampled_from([(1,), (3,), (1, 3), (1, 3, 5)]),
    context=st.booleans(),
)
@settings(max_examples=25, deadline=None)
def test_numbers_are_those_of_brute_force(seed, side, scales, context):
    generator = rng(seed)
    images = generator.random((2, 14, 17))
    photo, row, column = (generator.integers(0, top, 6) for top in (2, 14, 17))
    features = layer(side, scales, context)
    found = features.describe(
        images[..., None].astype("float32"),
        *(numbers.astype("int32") for numbers in (photo, row, column)),
    )
    expected = [
        described_by_hand(images[p], r, c, side, scales, context)
        for p, r, c in zip(photo, row, column, strict=True)
    ]
    np.testing.assert_allclose(ops.convert_to_numpy(found), expected, atol=2e-4)
    assert features.described == len(expected[0])


def test_the_grid_is_of_the_pixels_in_the_middle_of_its_cells():
    image = rng(0).random((1, 8, 12, 1)).astype("float32")
    found = ops.convert_to_numpy(layer(1, (1,), context=False, stride=4)(image))
    np.testing.assert_allclose(found + 0.5, image[:, 2::4, 2::4])


def test_small_images_are_reflected_again_and_again():
    found = ops.convert_to_numpy(layer(7, (9,))(np.full((1, 1, 2, 1), 0.3, "float32")))
    np.testing.assert_allclose(found[0, 0, 0, :49], 0.3 - 0.5, atol=1e-6)


def test_principal_components_are_scikit_learns():
    generator = rng(0)
    described = generator.normal(0, 1, (500, 9)) @ generator.normal(0, 1, (9, 9)) + 3
    for whitening in (0.0, 1.0):
        features = layer(3, (1,), context=False, width=4)
        features.fit(described.astype("float32"), whitening)
        standardized = (described - described.mean(axis=0)) / described.std(axis=0)
        expected = PCA(4, whiten=bool(whitening)).fit_transform(standardized)
        found = ops.convert_to_numpy(features.project(described.astype("float32")))
        signs = np.sign((found * expected).sum(axis=0))
        np.testing.assert_allclose(found * signs, expected, atol=1e-3)


def test_without_reduction_numbers_are_standardized_and_constant_ones_vanish():
    described = rng(0).normal(5, 2, (400, 9)).astype("float32")
    described[:, 4] = 7
    features = layer(3, (1,), context=False)
    features.fit(described, 0.5)
    found = ops.convert_to_numpy(features.project(described))
    np.testing.assert_allclose(found.mean(axis=0), 0, atol=1e-3)
    np.testing.assert_allclose(found.std(axis=0), np.arange(9) != 4, atol=1e-3)


def test_raw_numbers_stay_as_they_are():
    described = rng(0).uniform(0, 1, (400, 9)).astype("float32")
    features = layer(3, (1,), context=False)
    features.fit(described, 0.5, standardized=False)
    np.testing.assert_array_equal(ops.convert_to_numpy(features.project(described)), described)


def test_raw_numbers_are_rotated_as_they_are():
    described = rng(0).normal(3, 1, (400, 9)) * np.arange(1, 10)
    features = layer(3, (1,), context=False, width=4)
    features.fit(described.astype("float32"), 0.0, standardized=False)
    found = ops.convert_to_numpy(features.project(described.astype("float32")))
    expected = described @ PCA(4).fit(described).components_.T
    signs = np.sign((found * expected).sum(axis=0))
    np.testing.assert_allclose(found * signs, expected, rtol=1e-3, atol=1e-2)


# ---------------------------------------------------------------------- reservoir


def filled(size, stream, seed=0, batch=7):
    reservoir = Reservoir(size, rng(seed))
    for start in range(0, len(stream), batch):
        part = stream[start : start + batch]
        reservoir.offer(len(part), lambda taken, part=part: (part[taken],))
    return reservoir.columns[0]


@given(size=st.integers(1, 30), count=st.integers(1, 60), seed=st.integers(0, 1000))
@settings(max_examples=50, deadline=None)
def test_a_reservoir_holds_so_many_different_items_in_order(size, count, seed):
    found = filled(size, np.arange(count), seed)
    assert len(found) == min(size, count)
    assert (np.diff(found) > 0).all()


def test_every_item_has_its_chance():
    """1,000 draws of 5 of 20: each is in a quarter of them, wherever it is in the stream."""
    counts = np.zeros(20)
    for seed in range(1000):
        counts[filled(5, np.arange(20), seed)] += 1
    # Four deviations of a binomial of 1,000 and 1/4.
    assert abs(counts - 250).max() < 4 * np.sqrt(1000 * 0.25 * 0.75)


def test_what_is_not_taken_is_never_described():
    reservoir = Reservoir(10, rng(0))
    described = []

    def describe(taken):
        described.append(len(taken))
        return (taken,)

    for _ in range(200):
        reservoir.offer(100, describe)
    # The expected number is 10 (1 + ln(20,000 / 10)) plus the first batch's.
    assert sum(described) < 400


# ---------------------------------------------------------------------- from photos


def plan(size=32):
    return TrainingPlan(Budget(photos_seen=100), (size,), "float32", None, False, (), False)


@pytest.fixture
def photos(photo_folder):
    return PhotoSet.from_folder(photo_folder)


def sampled(photos, **changes):
    settings = {"per_photo": 50, "rows": 10_000, "seed": 0} | changes
    return sample_patches(photos, plan(), layer(1, (1,)), AB, **settings)


def test_so_many_pixels_of_each_photo_are_sampled(photos):
    described, chroma = sampled(photos)
    assert described.shape == (6 * 50, 3)
    assert chroma.shape == (6 * 50, 2)
    assert len(sampled(photos, per_photo=10_000)[0]) == 6 * 32 * 32


def test_lightness_and_chroma_are_those_of_the_same_pixel(tmp_path):
    """In a photo whose chroma is a function of its lightness."""
    levels = np.arange(32 * 32).reshape(32, 32) % 200
    rgb = np.stack([levels, levels // 2, 255 - levels], axis=-1).astype(np.uint8)
    Image.fromarray(rgb).save(tmp_path / "photo.png")
    described, chroma = sampled(PhotoSet.from_folder(tmp_path), per_photo=400)
    lab = reference.rgb2lab(rgb).reshape(-1, 3)
    # The loader resizes 32 px to the kept square and back, which moves levels a little.
    expected = [
        lab[np.abs(lab[:, 0] - 100 * lightness).argmin(), 1:] for lightness in described[:, 0]
    ]
    assert np.median(np.linalg.norm(chroma - expected, axis=1)) < 3


def test_samples_are_decided_by_the_seed_and_bounded(photos):
    one, again, other = (sampled(photos, seed=seed, rows=40)[0] for seed in (1, 1, 2))
    np.testing.assert_array_equal(one, again)
    assert one.shape == (40, 3)
    assert (one != other).any()


# ---------------------------------------------------------------------- prototypes


@given(seed=st.integers(0, 2**32 - 1), count=st.integers(1, 300), group=st.integers(1, 9))
@settings(max_examples=40, deadline=None)
def test_prototypes_are_means_of_groups_of_one_label(seed, count, group):
    generator = rng(seed)
    features = generator.normal(0, 1, (count, 3)).astype("float32")
    labels = generator.integers(0, 4, count)
    means, found, sizes = prototypes(features, labels, group)
    assert means.shape == (len(found), 3)
    assert means.dtype == np.float32
    assert ((sizes >= group) & (sizes < 2 * group)).all()
    for label in range(4):
        members, mine = features[labels == label], found == label
        whole = len(members) >= group
        assert sizes[mine].sum() == (len(members) if whole else 0)
        if whole:
            np.testing.assert_allclose(
                sizes[mine] @ means[mine], members.sum(axis=0), rtol=1e-4, atol=1e-3
            )


def test_similar_patches_are_averaged():
    """Two far groups of one label never share a mean."""
    features = np.concatenate([rng(0).normal(0, 1, (64, 2)), rng(1).normal(50, 1, (64, 2))])
    means, _, _ = prototypes(features.astype("float32"), np.zeros(128, int), 4)
    assert (np.minimum(abs(means - 0), abs(means - 50)) < 5).all()
