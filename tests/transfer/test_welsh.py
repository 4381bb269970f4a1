"""Color transfer by luminance and texture, against a search of all samples one by one."""

import numpy as np
import pytest
from skimage.color import rgb2lab

from zoo.errors import ZooError
from zoo.transfer import welsh
from zoo.transfer.reinhard import chroma_of, lalphabeta_to_rgb, rgb_to_lalphabeta, with_chroma
from zoo.transfer.texture import deviation, jittered, neighborhoods
from zoo.transfer.welsh import Swatch, Welsh


def picture(seed, size=(14, 17)):
    return np.random.default_rng(seed).integers(30, 230, (*size, 3), dtype=np.uint8)


def lightness_of(rgb):
    return rgb2lab(rgb)[..., 0]


def around(plane, row, column):
    """The 5 x 5 px around a pixel, the edge repeated."""
    rows = np.clip(np.arange(row - 2, row + 3), 0, plane.shape[0] - 1)
    columns = np.clip(np.arange(column - 2, column + 3), 0, plane.shape[1] - 1)
    return plane[np.ix_(rows, columns)]


def searched(luminance, reference, samples):
    """Alpha and beta of the nearest sample, pixel by pixel."""
    own = reference[..., 0]
    remapped = (own - own.mean()) * luminance.std() / own.std() + luminance.mean()
    drawn = list(zip(*jittered(*own.shape, samples), strict=True))
    found = np.empty((*luminance.shape, 2))
    for row, column in np.ndindex(*luminance.shape):
        deviated = around(luminance, row, column).std()
        errors = [
            0.5 * abs(remapped[place] - luminance[row, column])
            + 0.5 * abs(around(remapped, *place).std() - deviated)
            for place in drawn
        ]
        found[row, column] = reference[drawn[int(np.argmin(errors))]][1:]
    return found


def colored(luminance_of, color):
    return chroma_of(lalphabeta_to_rgb(np.concatenate([luminance_of[..., :1], color], axis=-1)))


def seen(lightness):
    return rgb_to_lalphabeta(with_chroma(lightness, np.zeros((*lightness.shape, 2))))


def test_each_pixel_takes_the_color_of_the_nearest_sample():
    reference, lightness = picture(0), lightness_of(picture(1))
    photo = seen(lightness)
    expected = searched(photo[..., 0], rgb_to_lalphabeta(reference / 255), 200)
    found = Welsh(reference)(lightness, np.zeros((*lightness.shape, 2)))
    np.testing.assert_allclose(found, colored(photo, expected), atol=1e-3)


def test_swatches_match_inside_and_lend_their_colors_to_all_others():
    reference, lightness = picture(2), lightness_of(picture(3))
    photo, known = seen(lightness), rgb_to_lalphabeta(reference / 255)
    luminance = photo[..., 0]
    pairs = [
        ((slice(0, 6), slice(2, 10)), (slice(3, 12), slice(0, 9))),
        ((slice(8, 14), slice(11, 17)), (slice(5, 14), slice(8, 16))),
    ]
    expected, inside, spoken = np.zeros((*luminance.shape, 2)), np.zeros(luminance.shape, bool), []
    for here, there in pairs:
        # The 5 x 5 px of a swatch end at its border.
        expected[here] = searched(luminance[here], known[there], 50)
        inside[here] = True
        rows, columns = jittered(*luminance[here].shape, 200)
        spoken += [
            (here[0].start + r, here[1].start + c) for r, c in zip(rows, columns, strict=True)
        ]
    for row, column in np.argwhere(~inside):
        own = around(luminance, row, column)
        errors = [((around(luminance, *place) - own) ** 2).sum() for place in spoken]
        expected[row, column] = expected[spoken[int(np.argmin(errors))]]
    found = Welsh(reference)(lightness, np.zeros((*lightness.shape, 2)), pairs)
    np.testing.assert_allclose(found, colored(photo, expected), atol=1e-3)


def test_it_is_the_same_again():
    reference, lightness = picture(4), lightness_of(picture(5))
    none = np.zeros((*lightness.shape, 2))
    np.testing.assert_array_equal(
        Welsh(reference)(lightness, none), Welsh(reference)(lightness, none)
    )


def test_a_flat_reference_gives_its_color():
    reference = np.full((20, 20, 3), (200, 60, 60), np.uint8)
    ab = Welsh(reference)(np.full((6, 7), 50.0), np.zeros((6, 7, 2)))
    assert (ab[..., 0] > 20).all()
    assert np.ptp(ab, axis=(0, 1)).max() < 1e-3


def test_textures():
    plane = np.random.default_rng(0).random((7, 9))
    stored = neighborhoods(plane)
    for row, column in ((0, 0), (3, 4), (6, 8)):
        np.testing.assert_array_equal(stored[row, column], around(plane, row, column).ravel())
        assert deviation(plane)[row, column] == pytest.approx(around(plane, row, column).std())


@pytest.mark.parametrize("size", [(100, 200), (1, 1000), (3, 5), (1, 1), (333, 77)])
def test_samples_lie_in_cells_of_a_grid(size):
    rows, columns = jittered(*size, 200)
    assert min(*rows, *columns) >= 0
    assert rows.max() < size[0]
    assert columns.max() < size[1]
    assert len(set(zip(rows, columns, strict=True))) == len(rows)
    wanted = min(200, size[0] * size[1])
    assert 0.7 * wanted <= len(rows) <= 1.3 * wanted


def test_swatches_are_read():
    assert Swatch.parse("1,2,3,4=5,6,7,8") == Swatch((1, 2, 3, 4), (5, 6, 7, 8))
    Swatch.parse("1,2,3,4=5,6,7,8").require_within((6, 4), (14, 12))


@pytest.mark.parametrize(
    "text", ["", "1,2,3,4", "1,2,3=5,6,7,8", "1,2,0,4=5,6,7,8", "a=b", "1,2,3,4=-1,2,3,4"]
)
def test_what_is_no_swatch(text):
    with pytest.raises(ZooError, match="write X,Y,WIDTH,HEIGHT of the photo"):
        Swatch.parse(text)


@pytest.mark.parametrize(
    ("photo", "reference", "name"), [((5, 4), (14, 12), "photo"), ((6, 4), (14, 11), "reference")]
)
def test_swatches_outside(photo, reference, name):
    with pytest.raises(ZooError, match=f"not inside of the {name}"):
        Swatch.parse("1,2,3,4=5,6,7,8").require_within(photo, reference)


def test_the_numbers_are_the_paper_s():
    assert (welsh._SAMPLES, welsh._OF_SWATCH) == (200, 50)
