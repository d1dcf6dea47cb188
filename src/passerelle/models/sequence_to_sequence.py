"""The Keras models of a network: a training model, and an inference encoder and decoder that share its layers."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import keras
import numpy as np

from passerelle.backend import computing
from passerelle.layers.initializers import override_initializers
from passerelle.models.decoders import DECODERS
from passerelle.models.encoders import ENCODERS
from passerelle.models.encoders.encoder import Encoded
from passerelle.models.entry import reads_numbers
from passerelle.models.memory import MemoryBuilder, sentence_vector
from passerelle.models.specs import Specs, check_specs, settings_of_output
from passerelle.models.stepper import ATTENTION, Stepper, make_stepper
from passerelle.settings import NetworkSettings, validated

__all__ = ["SequenceToSequence"]


@keras.saving.register_keras_serializable("passerelle")
class SequenceToSequence(keras.Model):
    """The training model, a Keras model that also contains the inference models of each output.

    It takes a dict of arrays by name, with S source tokens, T target tokens and F tags:

    - for each text input, its ids, int (batch, S); for tags, their ids, int (batch, F);
    - for each input of numbers, float (batch, length, width), see `fields.numbers.NumbersField`;
    - for each output X, the decoder inputs, int (batch, T): START and the tokens before the ones to predict; for an
      output of numbers, float (batch, T, width): zeros and the numbers before the ones to predict;
    - with copying, for each output X of text also `X_copies`, int (batch, S): the copy ids of the source tokens (see
      `fields.copying`).

    It returns logits, float (batch, T, columns), where position t predicts the token after tokens 0 to t. With copying,
    they have S more columns for the source positions. For an output of numbers it returns the parameters of the head
    instead, see `layers.number_head.NumberHead`. With several outputs it returns a dict of logits by name.

    Args:
        settings: settings of the network.
        inputs: specs of the input fields by name (`Field.spec`); the first one is the source.
        outputs: specs of the output fields by name.

    Attributes:
        steppers: the two inference models of each output by name, see `Stepper`.
        assets: texts that are stored in the model file in addition to the weights, by file name.

    Example:
        >>> network = passerelle.load("model.keras").network
        >>> isinstance(network, passerelle.SequenceToSequence)
        True
        >>> sorted(network.inference_decoder.output)
        ['attention', 'decoder_1_c', 'decoder_1_h', 'logits']
    """

    @computing()
    def __init__(
        self,
        settings: NetworkSettings | dict[str, Any],
        inputs: Specs,
        outputs: Specs,
        **kwargs: Any,
    ):
        settings = settings if isinstance(settings, NetworkSettings) else validated(NetworkSettings, settings)
        check_specs(settings, inputs, outputs)
        # Create all layers before calling the first one: each takes its random seed when it is created.
        encoders = {name: ENCODERS[spec["kind"]](name, spec, settings) for name, spec in inputs.items()}
        branches = {
            name: _Branch(settings_of_output(settings, name, outputs), name, spec, encoders, len(outputs) > 1)
            for name, spec in outputs.items()
        }
        tensors = {name: _input_of(name, spec) for name, spec in inputs.items()}
        encoded = {name: encoder(tensors[name]) for name, encoder in encoders.items()}
        ids, logits, steppers = dict(tensors), {}, {}
        for name, branch in branches.items():
            branch_inputs = dict(tensors)
            if branch.settings.copying:
                branch_inputs[f"{name}_copies"] = keras.Input((None,), dtype="int32", name=f"{name}_copies")
            previous = _input_of(name, outputs[name])
            logits[name], steppers[name] = branch(branch_inputs, encoded, previous)
            ids |= branch_inputs | {name: previous}
        kwargs.setdefault("name", "training_model")
        super().__init__(ids, logits if len(logits) > 1 else next(iter(logits.values())), **kwargs)
        self.steppers: dict[str, Stepper] = steppers
        for stepper in steppers.values():
            stepper.network = self
        source = next(iter(inputs))
        self._source = tensors[source], encoded[source]
        self.settings = settings
        self.inputs_spec = {name: dict(spec) for name, spec in inputs.items()}
        self.outputs_spec = {name: dict(spec) for name, spec in outputs.items()}
        self.assets: dict[str, str] = {}

    @property
    def stepper(self) -> Stepper:
        """The stepper of the first output."""
        return next(iter(self.steppers.values()))

    @property
    def inference_encoder(self) -> Any:
        """The inference encoder of the first output, a Keras model: inputs -> initial states and memory, by name."""
        return self.stepper.encoder

    @property
    def inference_decoder(self) -> Any:
        """The inference decoder of the first output, a Keras model.

        It takes a dict with the output's ids, int (batch, T), or numbers, the states and the memory by name. It returns
        a dict with `logits`, float (batch, T, columns), the states after the last token under the same names and, with
        attention, `attention`, the attention weights, float (batch, T, S).
        """
        return self.stepper.decoder

    def by_output(self, logits: Any) -> dict[str, Any]:
        """Return the model's result as a dict by the name of the output, even if there is only one output."""
        return logits if isinstance(logits, dict) else {self.stepper.name: logits}

    def output_of(self, layer: str) -> str | None:
        """Return the output to whose branch a layer belongs, by the layer's name; None with one output, or if shared.

        The longest name counts: a layer `de_at_output` belongs to the output `de_at`, not to `de`.
        """
        names = sorted(self.outputs_spec, key=len, reverse=True) if len(self.outputs_spec) > 1 else ()
        return next((name for name in names if layer.startswith(f"{name}_")), None)

    def table(self, field: str, name: str = "table") -> Any:
        """Return the embedding table of a field, a Keras variable, float (rows, width).

        Args:
            field: name of the field.
            name: `table`, or `fixed_table` for the table of the extra words, which is not trained.
        """
        return next(variable for variable in self.variables if variable.path.endswith(f"{field}_embedding/{name}"))

    def sentence_encoder(self) -> Any:
        """Return a Keras model that shares the encoder's layers: source ids -> sentence vectors, float (batch, width).

        A sentence vector is the last output of the top recurrent layer, forward direction first, or the mean output of
        a Transformer.
        """
        tensor, encoded = self._source
        return keras.Model(tensor, sentence_vector(encoded, self.settings), name="sentence_encoder")

    def get_config(self) -> dict[str, Any]:
        return {
            "settings": self.settings.model_dump(),
            # Keras has replaced the dicts by its own, which cannot be pickled.
            "inputs": {name: dict(spec) for name, spec in self.inputs_spec.items()},
            "outputs": {name: dict(spec) for name, spec in self.outputs_spec.items()},
            "name": self.name,
        }

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: Any = None) -> "SequenceToSequence":
        return cls(**config)

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle and copy the network by its configuration and its weights; by default Keras writes files."""
        return _with_weights, (self.get_config(), self.get_weights())

    def save_assets(self, inner_path: str) -> None:
        """Write the assets into the model file. Keras calls this method."""
        for name, text in self.assets.items():
            Path(inner_path, name).write_text(text, encoding="utf-8")

    def load_assets(self, inner_path: str) -> None:
        """Read the assets from the model file. Keras calls this method."""
        for path in sorted(Path(inner_path).iterdir()):
            self.assets[path.name] = path.read_text(encoding="utf-8")


def _with_weights(config: dict[str, Any], weights: list[np.ndarray]) -> SequenceToSequence:
    with override_initializers(np.zeros):
        network = SequenceToSequence.from_config(config)
    network.set_weights(weights)
    return network


def _input_of(name: str, spec: Mapping[str, Any]) -> Any:
    """Return the Keras input of a field: ids, or vectors of numbers."""
    if reads_numbers(spec):
        return keras.Input((None, spec["width"]), dtype="float32", name=name)
    return keras.Input((None,), dtype="int32", name=name)


class _Branch:
    """Memory and decoder of one output."""

    def __init__(
        self, settings: NetworkSettings, name: str, spec: Mapping[str, Any], encoders: Mapping[str, Any], prefixed: bool
    ):
        source, *_ = encoders.values()
        self.settings = settings
        self.name = name
        self.spec = spec
        self.prefix = f"{name}_" if prefixed else ""
        self.memory = MemoryBuilder(settings, self.prefix)
        self.decoder = DECODERS[settings.decoder.kind](
            settings,
            name=name,
            spec=spec,
            vector_fields=[field for field, encoder in encoders.items() if encoder.has_vector],
            step_fields=[field for field, encoder in encoders.items() if encoder.has_steps],
            source_embedding=getattr(source, "embedding", None),
            prefix=self.prefix,
        )

    def __call__(self, inputs: dict[str, Any], encoded: Mapping[str, Encoded], previous: Any) -> tuple[Any, Stepper]:
        """Call the layers and build the inference models from them.

        Args:
            inputs: Keras tensors by name: those of the input fields and, with copying, `X_copies` for the output X.
            encoded: the encoded inputs by field.
            previous: Keras tensor of what the decoder reads: ids or numbers of the output.

        Returns:
            The logits of the training model, a Keras tensor, and the stepper.
        """
        memory = self.memory(encoded, inputs.get(f"{self.name}_copies"))
        source, *_ = encoded.values()
        states = self.decoder.initial_states(source.states, memory)
        logits, _, _ = self.decoder(previous, states, memory)
        encoder = keras.Model(inputs, states | memory, name=f"{self.prefix}inference_encoder")
        shapes = self.decoder.state_shapes(states) | {key: value.shape for key, value in memory.items()}
        states_in, memory_in = (
            {key: keras.Input(batch_shape=shapes[key], dtype=value.dtype, name=key) for key, value in group.items()}
            for group in (states, memory)
        )
        step_logits, states_out, weights = self.decoder(previous, states_in, memory_in)
        decoder = keras.Model(
            {self.name: previous} | states_in | memory_in,
            {"logits": step_logits} | states_out | ({} if weights is None else {ATTENTION: weights}),
            name=f"{self.prefix}inference_decoder",
        )
        # The encoder's outputs have a Keras mask; allow it here, although the decoder uses `memory_mask` instead.
        decoder.supports_masking = True
        return logits, make_stepper(self.settings, self.name, self.spec, encoder=encoder, decoder=decoder)
