"""The functions of an export: what each one is called, takes and gives, in every format.

Each takes one input and has a second form, NAME_with_options, that takes the model's options, too.
"""

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from inspect import Parameter
from typing import Any

import numpy as np
import tensorflow as tf

#: A function of TensorFlow: one input and every option -> the answer.
Action = Callable[..., tf.Tensor]


@dataclass(frozen=True)
class Signature:
    """The names of a function of an export, of its input and of its output."""

    name: str
    takes: str
    gives: str

    @property
    def with_options(self) -> str:
        return f"{self.name}_with_options"


COLORIZE = Signature("colorize", "photos", "colorized")
# TF Serving sends strings as base64 if their name ends in this way.
COLORIZE_ENCODED = Signature("colorize_encoded", "photo_bytes", "colorized_bytes")
PREDICT_AB = Signature("predict_ab", "lightness", "ab")

#: What a SavedModel's signature `colorize` is called.
SERVING_DEFAULT = "serving_default"


def as_inputs(options: Mapping[str, float]) -> dict[str, np.ndarray]:
    """Options as every format takes them: scalars, float32."""
    return {name: np.array(value, "float32") for name, value in options.items()}


def option_specs(options: Mapping[str, float]) -> list[tf.TensorSpec]:
    """The type of each option."""
    return [tf.TensorSpec((), tf.float32, name) for name in options]


def functions(
    signature: Signature, spec: tf.TensorSpec, action: Action, options: Mapping[str, float]
) -> dict[str, tf.types.experimental.PolymorphicFunction]:
    """Both forms of a function by name; only the first one of a model without options."""
    defaults = {name: tf.constant(value) for name, value in as_inputs(options).items()}

    def alone(given: tf.Tensor) -> dict[str, tf.Tensor]:
        return {signature.gives: action(given, *defaults.values())}

    def with_options(given: tf.Tensor, *values: tf.Tensor) -> dict[str, tf.Tensor]:
        return {signature.gives: action(given, *values)}

    made = {signature.name: _function(alone, [spec], {})}
    if options:
        specs = [spec, *option_specs(options)]
        made[signature.with_options] = _function(with_options, specs, defaults)
    return made


def _function(
    action: Any, specs: list[tf.TensorSpec], defaults: Mapping[str, tf.Tensor]
) -> tf.types.experimental.PolymorphicFunction:
    """A function whose arguments have the names of its inputs, and these defaults."""
    kind, none = Parameter.POSITIONAL_OR_KEYWORD, Parameter.empty
    action.__signature__ = inspect.Signature(
        [Parameter(one.name, kind, default=defaults.get(one.name, none)) for one in specs]
    )
    return tf.function(action, input_signature=specs, autograph=False)
