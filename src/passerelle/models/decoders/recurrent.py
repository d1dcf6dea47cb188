"""The recurrent decoder: LSTM or GRU layers, soft attention after one of them, and input feeding."""

from typing import Any

from keras import layers

from passerelle.layers.attention import soft_attention
from passerelle.layers.cache import Advance
from passerelle.layers.matmul import dense
from passerelle.layers.recurrent import STATE_NAMES, recurrent_layer
from passerelle.layers.step_inputs import FirstStep
from passerelle.models.bridge import Bridge, ZeroState
from passerelle.models.cells import recurrent_options
from passerelle.models.decoders.decoder import POSITION, Decoder
from passerelle.models.heads.head import States
from passerelle.models.input_feeding import StepByStep
from passerelle.settings import SOFT_ATTENTION, NetworkSettings

__all__ = ["RecurrentDecoder"]

FED = "fed"
"""Name of the state of input feeding."""


class RecurrentDecoder(Decoder):
    """Owns the bridge, the recurrent layers and soft attention. See `Decoder` for the arguments."""

    def __init__(self, settings: NetworkSettings, **options: Any):
        self.bridge = Bridge(settings, options.get("prefix", ""))
        super().__init__(settings, **options)
        self.step_by_step = None
        if settings.input_feeding:
            tied = settings.tie == "all"
            self.step_by_step = StepByStep(
                super().__call__,
                self._layers(),
                shared_variables=lambda: [self.source_embedding.table] if tied else [],
                name=f"{self.prefix}step_by_step",
            )

    def _build_layers(self) -> None:
        settings, decoder, prefix = self.settings, self.settings.decoder, self.prefix
        one_hot = not (
            decoder.embedding
            or decoder.context
            or settings.input_feeding
            or self.vector_fields
            or self.step_fields
            or self.reads_numbers
        )
        options = recurrent_options(settings)
        self.recurrent = [
            recurrent_layer(
                settings.cell,
                decoder.units,
                **options,
                one_hot=one_hot and number == 1,
                name=f"{prefix}decoder_{settings.cell}_{number}",
            )
            for number in range(1, decoder.layers + 1)
        ]
        self.attention: Any = None
        self.combine = None
        if settings.attention in SOFT_ATTENTION:
            self.attention = soft_attention(
                settings.attention, units=decoder.units, heads=settings.heads, name=f"{prefix}attention"
            )
            self.combine = dense(decoder.units, activation="tanh", name=f"{prefix}attention_output")

    def _layers(self) -> list[Any]:
        parts = [self.embedding, *self.recurrent, self.attention, self.combine, self.dropout, *self.head.layers]
        return [layer for layer in parts if layer is not None]

    def _initial_states(self, encoder_states: list[list[Any]], memory: dict[str, Any]) -> States:
        bridged = self.bridge(encoder_states)
        names = STATE_NAMES[self.settings.cell]
        states = {
            f"decoder_{number}_{name}": state
            for number, layer in enumerate(bridged, 1)
            for name, state in zip(names, layer, strict=True)
        }
        if self.step_fields:
            states[POSITION] = FirstStep(name=f"{self.prefix}decoder_first_step")(bridged[0][0])
        if self.step_by_step is not None:
            states[FED] = ZeroState(self.settings.decoder.units, name=f"{self.prefix}first_fed")(bridged[0][0])
        return states

    def __call__(self, previous: Any, states: States, memory: dict[str, Any]) -> tuple[Any, States, Any]:
        """Read T target tokens, see `Decoder.__call__`; with input feeding one after the other."""
        return (self.step_by_step or super().__call__)(previous, states, memory)

    def _vectors(self, states: States, memory: dict[str, Any]) -> dict[str, Any]:
        return super()._vectors(states, memory) | {FED: states.get(FED)}

    def _run_layers(self, previous: Any, states: States, memory: dict[str, Any]) -> tuple[Any, States, Any]:
        new_states = dict(states)
        weights = context = None
        sequence = self._inputs(previous, states, memory)
        for number, layer in enumerate(self.recurrent, 1):
            below = sequence
            layer_input = (
                below
                if context is None
                else layers.Concatenate(name=f"{self.prefix}decoder_input_{number}")([below, context])
            )
            names = [f"decoder_{number}_{name}" for name in STATE_NAMES[self.settings.cell]]
            sequence, *final = layer(layer_input, initial_state=[states[name] for name in names])
            if self.settings.decoder.residual and number > 1 and below.shape == sequence.shape:
                sequence = layers.Add(name=f"{self.prefix}decoder_residual_{number}")([below, sequence])
            new_states |= zip(names, final, strict=True)
            query_layer = 1 if self.settings.query == "bottom" else len(self.recurrent)
            if self.attention is not None and number == query_layer:
                # The query is the output of a recurrent layer, so each layer still runs over all steps in one call.
                context, weights = self.attention(
                    sequence, memory["memory_keys"], memory["memory_values"], memory["memory_mask"]
                )
        if self.step_fields:
            new_states[POSITION] = Advance(name=f"{self.prefix}decoder_advance")(states[POSITION], previous)
        if self.combine is not None:
            sequence = self.combine(layers.Concatenate(name=f"{self.prefix}attention_input")([sequence, context]))
        if self.step_by_step is not None:
            new_states[FED] = sequence[:, -1]
        return sequence, new_states, weights
