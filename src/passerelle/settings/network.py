"""Settings of the network: encoder, decoder, and everything between them."""

from typing import Annotated, ClassVar, Literal, Self

from pydantic import Field, model_validator

from passerelle.settings.schema import Section, section, setting

__all__ = ["SOFT_ATTENTION", "DecoderSettings", "EncoderSettings", "NetworkSettings"]

# Bounds that no useful recurrent network reaches; they refuse hostile files and typing errors.
Width = Annotated[int, Field(ge=1, le=8192)]
EmbeddingWidth = Annotated[int, Field(ge=0, le=8192)]
Depth = Annotated[int, Field(ge=1, le=8)]
Rate = Annotated[float, Field(ge=0.0, lt=1.0)]

SOFT_ATTENTION = ("general", "dot", "scaled-dot", "additive", "multi-head")
"""Kinds of attention that average over all source positions."""

_EMBEDDING = "Width of the learned embeddings; 0 feeds one-hot vectors, as in the tutorial."
_RESIDUAL = "Add a layer's input to its output, from the second layer on, where both have the same width."


class EncoderSettings(Section):
    """The encoder, which reads the source."""

    embedding: EmbeddingWidth = setting(64, _EMBEDDING)
    units: Width = setting(256, "Width of each recurrent layer, per direction.", option=True)
    layers: Depth = setting(1, "Number of stacked recurrent layers.", option=True)
    # Backward: Sutskever et al. 2014, arXiv:1409.3215, section 3.3. Bottom: GNMT, arXiv:1609.08144, section 3.2.
    direction: Literal["forward", "backward", "both", "bottom"] = setting(
        "forward",
        "Reading direction: forward; backward, from the end of the source (arXiv:1409.3215); both, each layer in both "
        "directions; or bottom, the first layer in both and the others forward (GNMT, arXiv:1609.08144).",
    )
    residual: bool = setting(False, _RESIDUAL)

    @property
    def widths(self) -> list[int]:
        """Width of each layer's output and of each of its states, both directions concatenated."""
        two = {"both": self.layers, "bottom": 1}.get(self.direction, 0)
        return [self.units * (2 if number < two else 1) for number in range(self.layers)]


class DecoderSettings(Section):
    """The decoder, which writes the target."""

    embedding: EmbeddingWidth = setting(64, _EMBEDDING)
    units: Width = setting(256, "Width of each recurrent layer.", option=True)
    layers: Depth = setting(1, "Number of stacked recurrent layers.", option=True)
    residual: bool = setting(False, _RESIDUAL)
    context: bool = setting(
        False, "Feed the encoder's final state to every step, beside the token (arXiv:1406.1078, section 2.2)."
    )
    feedback: bool = setting(
        True,
        "Feed the previous token to each step; without it a step reads only the context, as after Keras's "
        "RepeatVector.",
    )

    @model_validator(mode="after")
    def _something_must_be_read(self) -> Self:
        if not (self.feedback or self.context):
            raise ValueError("without feedback a step reads nothing but the context; set context = true")
        return self


class NetworkSettings(Section):
    """The network, from source ids to target tokens."""

    group: ClassVar[str] = "Model"

    cell: Literal["lstm", "gru"] = setting("lstm", "Recurrent cell of both sides.", option=True)
    bridge: Literal["copy", "dense", "zero"] = setting(
        "dense", "Initial decoder states: a copy of the encoder's, the encoder's through a dense layer, or zeros."
    )
    # Chen et al. 2018, section 4.
    layer_norm: bool = setting(False, "Normalize each gate inside the cell (arXiv:1804.09849, section 4).")
    # Luong et al. 2015; Bahdanau et al. 2014; RNMT+ (multi-head, additive too); Wu and Cotterell 2019.
    attention: Literal["none", "general", "dot", "scaled-dot", "additive", "multi-head", "monotonic"] = setting(
        "none",
        "Attention: none; general or dot (arXiv:1508.04025); scaled-dot; additive (arXiv:1409.0473); multi-head, "
        "additive too (arXiv:1804.09849); or monotonic, exact hard attention that never moves back "
        "(arXiv:1905.06319), for spelling-like tasks.",
        option=True,
    )
    heads: int = setting(4, "Number of heads of multi-head attention.", ge=1, le=64)
    query: Literal["top", "bottom"] = setting(
        "top",
        "Decoder layer whose output is the attention query: the top one, or the bottom one, whose context the layers "
        "above then read (GNMT).",
    )
    # Luong et al. 2015, section 3.3.
    input_feeding: bool = setting(
        False,
        "Feed the attention output to the next step (arXiv:1508.04025, section 3.3). Training then runs step by step, "
        "which is slower.",
    )
    # See et al. 2017.
    copying: bool = setting(
        False, "Allow each step to copy a source token, known or unknown (arXiv:1704.04368). Needs attention."
    )
    # Press and Wolf 2017.
    tie: Literal["none", "target", "all"] = setting(
        "none",
        "Shared embedding tables: none; target, the decoder's input and the output layer (arXiv:1608.05859); or all, "
        "the encoder's input too, with one vocabulary for both sides. Outputs of another width are projected first.",
    )
    # Within Keras's 0.05 a layer of 128 units above embeddings of 64 hardly tells tokens apart at first: tokens move
    # its gates by 0.014 (standard deviation); within 1, by 0.27. Embeddings of tags always begin within 0.05.
    embedding_init_range: float = setting(
        0.05, "Initial embeddings are uniform between minus this value and this value.", gt=0.0, le=100.0
    )
    unknown: bool = setting(
        True, "Give the unknown token an embedding and an output; otherwise it is read as zeros and never written."
    )
    dropout: Rate = setting(
        0.0, "Dropout rate of the recurrent layers' inputs and of the last output, in training.", option=True
    )
    # Gal and Ghahramani 2016.
    recurrent_dropout: Rate = setting(
        0.0, "Dropout rate of the recurrent states, with the same mask at every step (arXiv:1512.05287)."
    )
    recurrent_dtype: Literal["float32", "bfloat16"] = setting(
        "float32",
        "Number format of the products of states and recurrent weights; bfloat16 is faster and less exact. States, "
        "sums and weights are always float32.",
    )
    encoder: EncoderSettings = section(EncoderSettings(), "The encoder, which reads the source.")
    decoder: DecoderSettings = section(DecoderSettings(), "The decoder, which writes the target.")

    @model_validator(mode="after")
    def _a_copying_bridge_needs_equal_shapes(self) -> Self:
        widths = self.encoder.widths
        if self.bridge == "copy" and widths != [self.decoder.units] * self.decoder.layers:
            raise ValueError(
                f"bridge 'copy' hands each encoder layer's states (widths {widths}, both directions) to the decoder "
                f"layer of the same number (widths {[self.decoder.units] * self.decoder.layers}); make them equal, or "
                f"use bridge 'dense'"
            )
        return self

    @model_validator(mode="after")
    def _attention_fits(self) -> Self:
        soft = self.attention in SOFT_ATTENTION
        width = self.encoder.widths[-1]
        if self.attention in ("dot", "scaled-dot") and width != self.decoder.units:
            raise ValueError(
                f"attention {self.attention!r} multiplies decoder states (width {self.decoder.units}) with encoder "
                f"states (width {width}, both directions); make them equal, or use attention 'general'"
            )
        if self.attention == "multi-head" and (self.decoder.units % self.heads or width % self.heads):
            raise ValueError(
                f"{self.heads} heads must divide the decoder's width {self.decoder.units} and the encoder's {width}"
            )
        if self.query == "bottom" and not (soft and self.decoder.layers > 1 and not self.input_feeding):
            raise ValueError(
                "query 'bottom' feeds what attention found to the decoder layers above; it needs such layers "
                "(decoder.layers = 2 or more), attention that is not 'none' or 'monotonic', and no input_feeding"
            )
        if self.input_feeding and not soft:
            raise ValueError(
                f"input_feeding needs attention that looks at all of the source; attention is {self.attention!r}, use "
                f"'general' or 'additive'"
            )
        if self.copying and self.attention == "none":
            raise ValueError(
                "copying needs attention, which says what to copy; attention is 'none', use 'general' or 'monotonic'"
            )
        if self.copying and not self.unknown:
            raise ValueError("copying needs unknown = true: what was never seen is read as UNK before it is copied")
        return self

    @model_validator(mode="after")
    def _there_is_a_table_to_tie(self) -> Self:
        if self.tie == "none":
            return self
        source, target = self.encoder.embedding, self.decoder.embedding
        if not (target and self.decoder.feedback):
            raise ValueError(
                f"tie {self.tie!r} makes the output of the vectors that the decoder reads; it needs "
                f"decoder.embedding above 0 (it is {target}) and decoder.feedback = true"
            )
        if self.attention == "monotonic":
            raise ValueError(f"tie {self.tie!r} needs an output layer, which attention 'monotonic' has not; use 'none'")
        if self.tie == "all" and source != target:
            raise ValueError(
                f"tie 'all' has one table for both sides; encoder.embedding is {source}, decoder.embedding {target}, "
                f"make them equal"
            )
        return self
