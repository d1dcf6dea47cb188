"""The Transformer decoder: blocks of causal self-attention, cross-attention and a feed-forward network."""

from typing import Any

from passerelle.layers.cache import Advance, EmptyCache
from passerelle.layers.dropout import Dropout
from passerelle.layers.matmul import dense
from passerelle.layers.positions import Positions
from passerelle.layers.transformer import CausalSelfAttention, CrossAttention, FeedForward, layer_norm
from passerelle.models.decoders.decoder import POSITION, Decoder
from passerelle.models.heads.head import States

__all__ = ["TransformerDecoder"]


class TransformerDecoder(Decoder):
    """Owns the blocks. The states are the keys and values of the tokens read so far, and their number.

    A block has no cross-attention if attention is monotonic: then only monotonic attention reads the source.

    Source: Vaswani et al. 2017, arXiv:1706.03762, with pre-norm sublayers (see `layers.transformer`). See `Decoder` for
    the arguments.
    """

    def _build_layers(self) -> None:
        settings, decoder, prefix = self.settings, self.settings.decoder, self.prefix
        units, heads, rate = decoder.units, settings.heads, settings.dropout
        self.projection = None
        if self._input_width() != units:
            self.projection = dense(units, name=f"{prefix}decoder_projection")
        self.positions = Positions(name=f"{prefix}decoder_positions")
        self.advance = Advance(name=f"{prefix}decoder_advance")
        self.input_dropout = Dropout(rate, name=f"{prefix}decoder_input_dropout") if rate else None
        numbers = range(1, decoder.layers + 1)
        self.self_attention = [
            CausalSelfAttention(units, heads, rate, name=f"{prefix}decoder_self_attention_{number}")
            for number in numbers
        ]
        self.cross_attention: list[Any] = [
            None
            if settings.attention == "monotonic"
            else CrossAttention(units, heads, rate, name=f"{prefix}decoder_cross_attention_{number}")
            for number in numbers
        ]
        self.feed_forward = [
            FeedForward(units, decoder.feed_forward, rate, name=f"{prefix}decoder_feed_forward_{number}")
            for number in numbers
        ]
        self.norm = layer_norm(f"{prefix}decoder_norm")

    def _input_width(self) -> int | None:
        """Return the width of the embeddings; None if the input of the first block has other parts."""
        if self.embedding is None or self.settings.decoder.context or self.vector_fields or self.step_fields:
            return None
        return self.embedding.width if self.reads_numbers else self.settings.decoder.embedding or None

    def _initial_states(self, encoder_states: list[list[Any]], memory: dict[str, Any]) -> States:
        empty = EmptyCache(
            self.settings.heads, self.settings.decoder.units // self.settings.heads, name=f"{self.prefix}decoder_cache"
        )
        cache, position = empty(memory["memory_mask"])
        names = (name for number in range(1, len(self.self_attention) + 1) for name in _names(number))
        return dict.fromkeys(names, cache) | {POSITION: position}

    def state_shapes(self, states: States) -> dict[str, tuple[int | None, ...]]:
        """Return the shapes of the states, see `Decoder.state_shapes`; caches have any capacity."""
        caches = {name for number in range(1, len(self.self_attention) + 1) for name in _names(number)}
        shapes = super().state_shapes(states)
        return {name: (*shape[:2], None, shape[3]) if name in caches else shape for name, shape in shapes.items()}

    def _run_layers(self, previous: Any, states: States, memory: dict[str, Any]) -> tuple[Any, States, Any]:
        new_states = dict(states)
        position, weights = states[POSITION], None
        sequence = self._inputs(previous, states, memory, scaled=True)
        if self.projection is not None:
            sequence = self.projection(sequence)
        sequence = self.positions(sequence, position, states[_names(1)[0]])
        if self.input_dropout is not None:
            sequence = self.input_dropout(sequence)
        blocks = zip(self.self_attention, self.cross_attention, self.feed_forward, strict=True)
        for number, (self_attention, cross_attention, feed_forward) in enumerate(blocks, 1):
            keys, values = _names(number)
            sequence, new_states[keys], new_states[values] = self_attention(
                sequence, states[keys], states[values], position
            )
            if cross_attention is not None:
                sequence, weights = cross_attention(
                    sequence, memory[f"memory_keys_{number}"], memory[f"memory_values_{number}"], memory["memory_mask"]
                )
            sequence = feed_forward(sequence)
        new_states[POSITION] = self.advance(position, previous)
        return self.norm(sequence), new_states, weights


def _names(number: int) -> tuple[str, str]:
    """Return the names of the caches of a block: keys, values."""
    return f"decoder_{number}_keys", f"decoder_{number}_values"
