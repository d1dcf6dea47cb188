"""Settings of the network: encoder, decoder, bridge and attention."""

from typing import Annotated, ClassVar, Literal, Self

from pydantic import Field, model_validator

from passerelle.settings.schema import Section, section, setting

__all__ = ["SOFT_ATTENTION", "DecoderSettings", "EncoderSettings", "NetworkSettings"]

# Far above any useful recurrent network: these bounds refuse malicious model files and typing errors.
Width = Annotated[int, Field(ge=1, le=8192)]
EmbeddingWidth = Annotated[int, Field(ge=0, le=8192)]
Depth = Annotated[int, Field(ge=1, le=8)]
Rate = Annotated[float, Field(ge=0.0, lt=1.0)]

SOFT_ATTENTION = ("general", "dot", "scaled-dot", "additive", "multi-head")
"""Values of `attention` that average over all source positions."""

_EMBEDDING = "Embedding size; 0 feeds one-hot vectors instead of embeddings, as in Chollet's Keras tutorial."
_RESIDUAL = (
    "Residual connections: add a layer's input to its output, from the second layer on, where both have the same width."
)


class EncoderSettings(Section):
    """The encoder, which reads the source."""

    embedding: EmbeddingWidth = setting(64, _EMBEDDING)
    units: Width = setting(256, "Hidden size: units of each recurrent layer, per direction.", option=True)
    layers: Depth = setting(1, "Number of stacked recurrent layers.", option=True)
    # Backward: Sutskever et al. 2014, arXiv:1409.3215, section 3.3. Bottom: GNMT, arXiv:1609.08144, section 3.2.
    direction: Literal["forward", "backward", "both", "bottom"] = setting(
        "forward",
        "Direction of the encoder: forward; backward, from the end of the source (arXiv:1409.3215); both, all layers "
        "bidirectional; or bottom, a bidirectional first layer and forward layers above it (GNMT, arXiv:1609.08144).",
    )
    residual: bool = setting(False, _RESIDUAL)

    @property
    def widths(self) -> list[int]:
        """Width of the output and the states of each layer, both directions concatenated."""
        two = {"both": self.layers, "bottom": 1}.get(self.direction, 0)
        return [self.units * (2 if number < two else 1) for number in range(self.layers)]


class DecoderSettings(Section):
    """The decoder, which writes the target."""

    embedding: EmbeddingWidth = setting(64, _EMBEDDING)
    units: Width = setting(256, "Hidden size: units of each recurrent layer.", option=True)
    layers: Depth = setting(1, "Number of stacked recurrent layers.", option=True)
    residual: bool = setting(False, _RESIDUAL)
    context: bool = setting(
        False, "Feed the encoder's final state to every step, in addition to the token (arXiv:1406.1078, section 2.2)."
    )
    feedback: bool = setting(
        True,
        "Feed the previous token to each step. Without it, a step reads only the context, as after Keras's "
        "RepeatVector.",
    )

    @model_validator(mode="after")
    def _steps_have_an_input(self) -> Self:
        if not (self.feedback or self.context):
            raise ValueError("feedback = false requires context = true: without both, a decoder step has no input")
        return self


class NetworkSettings(Section):
    """The network: cells, attention, copy mechanism, embeddings and dropout."""

    group: ClassVar[str] = "Model"

    cell: Literal["lstm", "gru"] = setting("lstm", "Recurrent cell of encoder and decoder.", option=True)
    bridge: Literal["copy", "dense", "zero"] = setting(
        "dense",
        "Initial decoder states: a copy of the final encoder states, these states through a dense layer, or zeros.",
    )
    # Chen et al. 2018, section 4.
    layer_norm: bool = setting(
        False, "Layer normalization of each gate inside the recurrent cell (arXiv:1804.09849, section 4)."
    )
    # Luong et al. 2015; Bahdanau et al. 2014; RNMT+ (multi-head, additive too); Wu and Cotterell 2019.
    attention: Literal["none", "general", "dot", "scaled-dot", "additive", "multi-head", "monotonic"] = setting(
        "none",
        "Attention: none; general or dot (Luong, arXiv:1508.04025); scaled-dot; additive (Bahdanau, arXiv:1409.0473); "
        "multi-head, with additive scores (arXiv:1804.09849); or monotonic, exact hard attention that never moves "
        "backward (arXiv:1905.06319), for tasks such as spelling to sound.",
        option=True,
    )
    heads: int = setting(4, "Number of attention heads of multi-head attention.", ge=1, le=64)
    query: Literal["top", "bottom"] = setting(
        "top",
        "Decoder layer whose output is the attention query: the top layer; or the bottom layer, so that the layers "
        "above read the attention context (GNMT, arXiv:1609.08144).",
    )
    # Luong et al. 2015, section 3.3.
    input_feeding: bool = setting(
        False,
        "Input feeding: feed the attention output to the next step (arXiv:1508.04025, section 3.3). Training is "
        "slower, since attention then runs step by step.",
    )
    # See et al. 2017.
    copying: bool = setting(
        False,
        "Copy mechanism (pointer-generator, arXiv:1704.04368): each step may copy a source token, known or unknown. "
        "Requires attention.",
    )
    # Press and Wolf 2017.
    tie: Literal["none", "target", "all"] = setting(
        "none",
        "Tied embeddings: none; target, one table for the decoder's input and the output layer (arXiv:1608.05859); or "
        "all, one table and one vocabulary for the encoder's input too. If the decoder's output is not as wide as the "
        "embeddings, it is projected first.",
    )
    # With Keras's range of 0.05, a layer of 128 units that reads embeddings of size 64 hardly distinguishes tokens at
    # first: they change its gates by 0.014 (standard deviation); with a range of 1, by 0.27. Tag embeddings always use
    # 0.05.
    embedding_init_range: float = setting(
        0.05, "Range of initial embeddings: uniform between minus this value and this value.", gt=0.0, le=100.0
    )
    unknown: bool = setting(
        True,
        "Give the unknown token (UNK) an embedding and an output. Otherwise, it is read as zeros and never written.",
    )
    dropout: Rate = setting(
        0.0, "Dropout rate of the inputs of recurrent layers and of the last decoder output, in training.", option=True
    )
    # Gal and Ghahramani 2016.
    recurrent_dropout: Rate = setting(
        0.0, "Variational dropout rate of the recurrent states: the same mask at every step (arXiv:1512.05287)."
    )
    recurrent_dtype: Literal["float32", "bfloat16"] = setting(
        "float32",
        "Mixed precision: data type of the matrix products of recurrent states and weights. bfloat16 is faster and "
        "less exact. States, sums and weights are always float32.",
    )
    encoder: EncoderSettings = section(EncoderSettings(), "The encoder, which reads the source.")
    decoder: DecoderSettings = section(DecoderSettings(), "The decoder, which writes the target.")

    @model_validator(mode="after")
    def _copy_bridge_has_equal_widths(self) -> Self:
        encoder, decoder = self.encoder.widths, [self.decoder.units] * self.decoder.layers
        if self.bridge == "copy" and encoder != decoder:
            raise ValueError(
                f"bridge 'copy' requires encoder and decoder states of equal widths, received: {encoder} (both "
                f"directions concatenated) and {decoder}; make them equal, or use bridge 'dense'"
            )
        return self

    @model_validator(mode="after")
    def _attention_is_possible(self) -> Self:
        soft = self.attention in SOFT_ATTENTION
        width = self.encoder.widths[-1]
        if self.attention in ("dot", "scaled-dot") and width != self.decoder.units:
            raise ValueError(
                f"attention {self.attention!r} requires encoder and decoder states of equal widths, received: {width} "
                f"(both directions concatenated) and {self.decoder.units}; make them equal, or use attention 'general'"
            )
        if self.attention == "multi-head" and (self.decoder.units % self.heads or width % self.heads):
            raise ValueError(
                f"heads must divide the widths of encoder and decoder states, {width} and {self.decoder.units}, "
                f"received: {self.heads}"
            )
        if self.query == "bottom" and not (soft and self.decoder.layers > 1 and not self.input_feeding):
            raise ValueError(
                "query 'bottom' requires decoder.layers of 2 or more, attention other than 'none' and 'monotonic', and "
                f"input_feeding = false, received: decoder.layers={self.decoder.layers}, "
                f"attention={self.attention!r}, input_feeding={self.input_feeding}"
            )
        if self.input_feeding and not soft:
            raise ValueError(
                f"input_feeding requires soft attention, received: attention={self.attention!r}; use 'general' or "
                f"'additive'"
            )
        if self.copying and self.attention == "none":
            raise ValueError("copying requires attention, received: attention='none'; use 'general' or 'monotonic'")
        if self.copying and not self.unknown:
            raise ValueError("copying requires unknown = true: unknown tokens are read as UNK before they are copied")
        return self

    @model_validator(mode="after")
    def _embeddings_can_be_tied(self) -> Self:
        if self.tie == "none":
            return self
        source, target = self.encoder.embedding, self.decoder.embedding
        if not (target and self.decoder.feedback):
            raise ValueError(
                f"tie {self.tie!r} requires decoder embeddings: decoder.embedding above 0 and decoder.feedback = true, "
                f"received: decoder.embedding={target}, decoder.feedback={self.decoder.feedback}"
            )
        if self.attention == "monotonic":
            raise ValueError(
                f"tie {self.tie!r} requires an output layer, and attention 'monotonic' has none; use tie 'none'"
            )
        if self.tie == "all" and source != target:
            raise ValueError(
                f"tie 'all' requires equal encoder.embedding and decoder.embedding, received: {source} and {target}"
            )
        return self
