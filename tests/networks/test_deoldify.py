import keras
import numpy as np
import pytest
from keras import layers

from zoo.errors import ZooError
from zoo.networks.blocks import SpectralConv2D
from zoo.networks.deoldify import check_side, deoldify_critic


def pair(side, count=1):
    generator = np.random.default_rng(0)
    sizes = {"lightness": 1, "ab": 2}
    return {
        name: generator.uniform(-1, 1, (count, side, side, size)).astype("float32")
        for name, size in sizes.items()
    }


def test_the_published_critic():
    """Its 9 x 9 patches at 192 px, its weights, its dropout."""
    network = deoldify_critic(256, 3, seed=0)
    assert network.compute_output_shape(
        {"lightness": (1, 192, 192, 1), "ab": (1, 192, 192, 2)}
    ) == (1, 9, 9, 1)
    # Kernels and biases of (side, from, to); then attention of 512 channels, and its gamma.
    published = [(4, 3, 256), (3, 256, 256), (4, 256, 512), (3, 512, 512), (4, 512, 1024)]
    published += [(3, 1024, 1024), (4, 1024, 2048), (3, 2048, 2048)]
    expected = sum(side**2 * one * other + other for side, one, other in published)
    expected += 512 * (64 + 64 + 512) + 1
    expected += 4 * 4 * 2048  # the head has no bias
    assert sum(np.prod(v.shape) for v in network.trainable_variables) == expected == 94_555_649
    dropped = [one for one in network.layers if isinstance(one, layers.SpatialDropout2D)]
    assert [one.rate for one in dropped] == [0.075, 0.15, 0.15, 0.15]
    convolutions = [one for one in network.layers if isinstance(one, layers.Conv2D)]
    assert len(convolutions) == len(published) + 3 + 1
    assert all(isinstance(one, SpectralConv2D) for one in convolutions)


def test_attention_is_after_the_first_block_alone():
    names = [layer.name for layer in deoldify_critic(4, 3, seed=0).layers]
    assert names.index("down1_relu") < names.index("attention") < names.index("same2")
    assert sum("attention" in name for name in names) == 4


def test_a_critic_learns_to_tell_two_sets_of_colors():
    network = deoldify_critic(4, 1, seed=0)
    network.compile(keras.optimizers.Adam(0.01), keras.losses.BinaryCrossentropy(from_logits=True))
    batch = pair(32, count=4)
    batch["ab"][:2] += 2
    answers = np.concatenate([np.ones((2, 5, 5, 1)), np.zeros((2, 5, 5, 1))])
    losses = [float(network.train_on_batch(batch, answers)) for _ in range(30)]
    assert losses[-1] < 0.5 * losses[0]
    assert float(network.get_layer("attention").gamma.value) != 0


@pytest.mark.parametrize(("blocks", "side"), [(1, 16), (2, 32), (3, 64)])
def test_the_smallest_photo_has_one_patch(blocks, side):
    check_side(side, blocks)
    assert deoldify_critic(4, blocks, seed=0)(pair(side)).shape == (1, 1, 1, 1)
    with pytest.raises(ZooError, match=f"at least {side} px, and these have {side - 1}"):
        check_side(side - 1, blocks)


def test_initial_weights_follow_from_the_seed():
    one, same, other = (deoldify_critic(4, 1, seed).get_weights() for seed in (0, 0, 1))
    for a, b in zip(one, same, strict=True):
        np.testing.assert_array_equal(a, b)
    assert any((a != b).any() for a, b in zip(one, other, strict=True))
