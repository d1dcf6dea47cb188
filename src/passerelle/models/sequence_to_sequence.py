"""The Keras models: one to train, and for each output two to translate, all made of the same layers."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import keras

from passerelle.models.bridge import Bridge
from passerelle.models.decoder import Decoder
from passerelle.models.encoders import ENCODERS
from passerelle.models.encoders.encoder import Encoded
from passerelle.models.ids import first_target_column
from passerelle.models.memory import MemoryBuilder, last_output
from passerelle.models.specs import Specs, check_specs
from passerelle.models.stepper import ATTENTION, Stepper
from passerelle.settings import NetworkSettings, validated

__all__ = ["SequenceToSequence"]


@keras.saving.register_keras_serializable("passerelle")
class SequenceToSequence(keras.Model):
    """The training model, which holds the inference models of every output.

    As a Keras model it takes a dict of arrays by field: of each input of kind text int (batch, S), of tags int (batch,
    F); of each output X int (batch, T), the tokens before the ones to predict; and where X copies `X_copies`, int
    (batch, S), its id of each source token (see `fields.copying`). It gives logits, float (batch, T, columns): position
    t predicts the token after tokens 0 to t; where an output copies, S further columns stand for the source's
    positions. With several outputs it gives a dict of logits by name.

    Args:
        settings: of the network.
        inputs: the input fields' specs by name (`Field.spec`); the first one is the source.
        outputs: the output fields' specs by name.

    Attributes:
        steppers: of each output its two inference models, see `Stepper`.
        assets: texts that are stored in the model file beside the weights, by file name.

    Example:
        >>> network = passerelle.load("model.keras").network
        >>> isinstance(network, passerelle.SequenceToSequence)
        True
        >>> sorted(network.inference_decoder.output)
        ['attention', 'decoder_1_c', 'decoder_1_h', 'logits']
    """

    def __init__(
        self,
        settings: NetworkSettings | dict[str, Any],
        inputs: Specs,
        outputs: Specs,
        **kwargs: Any,
    ):
        settings = settings if isinstance(settings, NetworkSettings) else validated(NetworkSettings, settings)
        check_specs(settings, inputs, outputs)
        # All layers are made before the first is called: each draws its seed when it is made.
        encoders = {name: ENCODERS[spec["kind"]](name, spec, settings) for name, spec in inputs.items()}
        branches = {name: _Branch(settings, name, spec, encoders, len(outputs) > 1) for name, spec in outputs.items()}
        tensors = {name: _input_of(name, spec) for name, spec in inputs.items()}
        encoded = {name: encoder(tensors[name]) for name, encoder in encoders.items()}
        ids, logits, steppers = dict(tensors), {}, {}
        for name, branch in branches.items():
            read = dict(tensors)
            if settings.copying:
                read[f"{name}_copies"] = keras.Input((None,), dtype="int32", name=f"{name}_copies")
            own = keras.Input((None,), dtype="int32", name=name)
            logits[name], steppers[name] = branch(read, encoded, own)
            ids |= read | {name: own}
        kwargs.setdefault("name", "training_model")
        super().__init__(ids, logits if len(logits) > 1 else next(iter(logits.values())), **kwargs)
        self.steppers: dict[str, Stepper] = steppers
        source = next(iter(inputs))
        self._sentence = tensors[source], encoded[source]
        self.settings = settings
        self.inputs_spec = {name: dict(spec) for name, spec in inputs.items()}
        self.outputs_spec = {name: dict(spec) for name, spec in outputs.items()}
        self.assets: dict[str, str] = {}

    @property
    def stepper(self) -> Stepper:
        """The first output's."""
        return next(iter(self.steppers.values()))

    @property
    def inference_encoder(self) -> Any:
        """Keras model of the first output: inputs by name -> the decoder's initial states and the memory, by name."""
        return self.stepper.encoder

    @property
    def inference_decoder(self) -> Any:
        """Keras model of the first output: its ids, int (batch, T), states and memory by name -> a dict with `logits`,
        float (batch, T, columns), the states after the last token, under the names they came in by, and, where the
        network has it, `attention`, float (batch, T, S): where each step looked.
        """
        return self.stepper.decoder

    def by_output(self, logits: Any) -> dict[str, Any]:
        """What the model gives, by the name of the output, also where there is only one."""
        return logits if isinstance(logits, dict) else {self.stepper.name: logits}

    def table(self, field: str, name: str = "table") -> Any:
        """The Keras variable that holds a field's vectors, float (rows, width); `fixed_table` those never trained."""
        return next(variable for variable in self.variables if variable.path.endswith(f"{field}_embedding/{name}"))

    def sentence_encoder(self) -> Any:
        """A Keras model, made of the same layers: the source's ids -> float (batch, width), the last output of the
        encoder's last layer, forward, then backward.
        """
        tensor, encoded = self._sentence
        return keras.Model(tensor, last_output(encoded, self.settings), name="sentence_encoder")

    def get_config(self) -> dict[str, Any]:
        return {
            "settings": self.settings.model_dump(),
            "inputs": self.inputs_spec,
            "outputs": self.outputs_spec,
            "name": self.name,
        }

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: Any = None) -> "SequenceToSequence":
        return cls(**config)

    def save_assets(self, inner_path: str) -> None:
        """Writes the assets into the model file; Keras calls this."""
        for name, text in self.assets.items():
            Path(inner_path, name).write_text(text, encoding="utf-8")

    def load_assets(self, inner_path: str) -> None:
        """Reads the assets back from the model file; Keras calls this."""
        for path in sorted(Path(inner_path).iterdir()):
            self.assets[path.name] = path.read_text(encoding="utf-8")


def _input_of(name: str, spec: Mapping[str, Any]) -> Any:
    """The Keras input of a field: ids, or where its spec names a `width`, numbers."""
    if "width" in spec:
        return keras.Input((None, spec["width"]), dtype="float32", name=name)
    return keras.Input((None,), dtype="int32", name=name)


class _Branch:
    """Memory, bridge and decoder of one output."""

    def __init__(
        self, settings: NetworkSettings, name: str, spec: Mapping[str, Any], encoders: Mapping[str, Any], prefixed: bool
    ):
        source, *_ = encoders.values()
        self.settings = settings
        self.name = name
        self.size = spec["size"]
        self.first = first_target_column(settings)
        self.prefix = f"{name}_" if prefixed else ""
        self.memory = MemoryBuilder(settings, self.prefix)
        self.bridge = Bridge(settings, self.prefix)
        self.decoder = Decoder(
            settings,
            name=name,
            columns=self.size - self.first,
            vectors=[field for field, encoder in encoders.items() if encoder.gives_vector],
            table=getattr(source, "vectors", None),
            prefix=self.prefix,
        )

    def __call__(self, inputs: dict[str, Any], encoded: Mapping[str, Encoded], ids: Any) -> tuple[Any, Stepper]:
        """Calls the layers: the training model's logits, and the inference models around the same layers.

        Args:
            inputs: Keras tensors by name: the input fields', and `X_copies` where the output X copies.
            encoded: the inputs by field.
            ids: Keras tensor of the output's ids.
        """
        memory = self.memory(encoded, inputs.get(f"{self.name}_copies"))
        source, *_ = encoded.values()
        states = self.decoder.first_states(self.bridge(source.states), memory)
        logits, _, _ = self.decoder(ids, states, memory)
        encoder = keras.Model(inputs, states | memory, name=f"{self.prefix}inference_encoder")
        states_in, memory_in = (
            {key: keras.Input(batch_shape=value.shape, dtype=value.dtype, name=key) for key, value in group.items()}
            for group in (states, memory)
        )
        step_logits, states_out, weights = self.decoder(ids, states_in, memory_in)
        decoder = keras.Model(
            {self.name: ids} | states_in | memory_in,
            {"logits": step_logits} | states_out | ({} if weights is None else {ATTENTION: weights}),
            name=f"{self.prefix}inference_decoder",
        )
        # The encoder's outputs carry Keras's mask with them; the decoder has its own, `memory_mask`.
        decoder.supports_masking = True
        return logits, Stepper(self.settings, self.name, self.size, encoder=encoder, decoder=decoder)
