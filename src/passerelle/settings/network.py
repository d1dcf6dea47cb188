"""Settings of the network: encoder, decoder, bridge and attention."""

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import Field, ValidationError, model_validator

from passerelle.settings.schema import Section, section, sections, setting

__all__ = ["SOFT_ATTENTION", "DecoderSettings", "EncoderSettings", "NetworkSettings"]

# Far above any useful network: these bounds refuse malicious model files and typing errors.
Width = Annotated[int, Field(ge=1, le=8192)]
EmbeddingWidth = Annotated[int, Field(ge=0, le=8192)]
Depth = Annotated[int, Field(ge=1, le=8)]
Rate = Annotated[float, Field(ge=0.0, lt=1.0)]

SOFT_ATTENTION = ("general", "dot", "scaled-dot", "additive", "multi-head", "multi-head-additive")
"""Values of `attention` that average over all source positions."""

_EMBEDDING = (
    "Embedding size, or width of the projection of numbers; 0 feeds one-hot vectors, as in Chollet's Keras tutorial, "
    "or the numbers themselves."
)
_KIND = (
    "recurrent, LSTM or GRU layers; or transformer, blocks of self-attention and a feed-forward network "
    "(arXiv:1706.03762, normalized before each sublayer)."
)
_LAYERS = "Number of stacked recurrent layers or Transformer blocks."
_FEED_FORWARD = "Width of the feed-forward networks of a Transformer; no effect on recurrent layers."
_RESIDUAL = (
    "Residual connections: add a recurrent layer's input to its output, from the second layer on, where both have the "
    "same width. A Transformer always has residual connections."
)


class EncoderSettings(Section):
    """The encoder, which reads the source."""

    # Transformer before a recurrent decoder: Chen et al. 2018, section 5.
    kind: Literal["recurrent", "transformer"] = setting(
        "recurrent", f"Kind of encoder: {_KIND} A Transformer also works with a recurrent decoder (arXiv:1804.09849)."
    )
    embedding: EmbeddingWidth = setting(64, _EMBEDDING)
    units: Width = setting(
        256, "Hidden size: units of each recurrent layer, per direction, or width of a Transformer.", option=True
    )
    layers: Depth = setting(1, _LAYERS, option=True)
    feed_forward: Width = setting(1024, _FEED_FORWARD)
    # Backward: Sutskever et al. 2014, arXiv:1409.3215, section 3.3. Bottom: GNMT, arXiv:1609.08144, section 3.2.
    direction: Literal["forward", "backward", "both", "bottom"] = setting(
        "forward",
        "Direction of the encoder: forward; backward, from the end of the source (arXiv:1409.3215); both, all layers "
        "bidirectional; or bottom, a bidirectional first layer and forward layers above it (GNMT, arXiv:1609.08144). "
        "No effect on a Transformer, which reads all positions at once.",
    )
    residual: bool = setting(False, _RESIDUAL)

    @property
    def widths(self) -> list[int]:
        """Width of the output of each layer, both directions concatenated. Recurrent states are as wide."""
        if self.kind == "transformer":
            return [self.units] * self.layers
        two = {"both": self.layers, "bottom": 1}.get(self.direction, 0)
        return [self.units * (2 if number < two else 1) for number in range(self.layers)]


class DecoderSettings(Section):
    """The decoder, which writes the target."""

    kind: Literal["recurrent", "transformer"] = setting(
        "recurrent", f"Kind of decoder: {_KIND} A Transformer requires attention multi-head or monotonic."
    )
    embedding: EmbeddingWidth = setting(64, _EMBEDDING)
    units: Width = setting(256, "Hidden size: units of each recurrent layer, or width of a Transformer.", option=True)
    layers: Depth = setting(1, _LAYERS, option=True)
    feed_forward: Width = setting(1024, _FEED_FORWARD)
    residual: bool = setting(False, _RESIDUAL)
    context: bool = setting(
        False,
        "Feed the encoder's final state (mean output of a Transformer) to every step, in addition to the token "
        "(arXiv:1406.1078, section 2.2).",
    )
    feedback: bool = setting(
        True,
        "Feed the previous token or numbers to each step. Without it, a step reads only the context, as after Keras's "
        "RepeatVector, and numbers are predicted for all steps at once.",
    )

    head: Literal["mean", "median", "quantiles", "student-t"] = setting(
        "mean",
        "Head of an output of numbers, and its loss: mean (squared error); median (absolute error); quantiles, which "
        "never cross (pinball loss, arXiv:1711.11053); or student-t, a Student's t distribution (negative log "
        "likelihood, arXiv:1704.04110). No effect on an output of text.",
        option=True,
        group="Numbers",
    )

    @model_validator(mode="after")
    def _steps_have_an_input(self) -> Self:
        if not (self.feedback or self.context):
            raise ValueError("feedback = false requires context = true: without both, a decoder step has no input")
        return self


class NetworkSettings(Section):
    """The network: cells, attention, copy mechanism, embeddings and dropout."""

    group: ClassVar[str] = "Model"

    cell: Literal["lstm", "gru"] = setting("lstm", "Cell of the recurrent layers of encoder and decoder.", option=True)
    bridge: Literal["copy", "dense", "zero"] = setting(
        "dense",
        "Initial states of a recurrent decoder: a copy of the final encoder states, these states through a dense "
        "layer, or zeros. dense uses the mean output of a Transformer encoder.",
    )
    # Chen et al. 2018, section 4.
    layer_norm: bool = setting(
        False,
        "Layer normalization of each gate inside the recurrent cell (arXiv:1804.09849, section 4). "
        "A Transformer always has its own.",
    )
    # Luong et al. 2015; Bahdanau et al. 2014; Vaswani et al. 2017; RNMT+; Wu and Cotterell 2019.
    attention: Literal[
        "none", "general", "dot", "scaled-dot", "additive", "multi-head", "multi-head-additive", "monotonic"
    ] = setting(
        "none",
        "Attention to the source: none; general or dot (Luong, arXiv:1508.04025); scaled-dot; additive (Bahdanau, "
        "arXiv:1409.0473); multi-head, scaled dot products (arXiv:1706.03762); multi-head-additive (arXiv:1804.09849); "
        "or monotonic, exact hard attention that never moves backward (arXiv:1905.06319), for tasks such as spelling "
        "to sound.",
        option=True,
    )
    heads: int = setting(4, "Number of heads of multi-head attention and of a Transformer.", ge=1, le=64)
    query: Literal["top", "bottom"] = setting(
        "top",
        "Decoder layer whose output is the attention query: the top layer; or the bottom layer, so that the layers "
        "above read the attention context (GNMT, arXiv:1609.08144). Only for a recurrent decoder.",
    )
    # Luong et al. 2015, section 3.3.
    input_feeding: bool = setting(
        False,
        "Input feeding, for a recurrent decoder: feed the attention output to the next step (arXiv:1508.04025, section "
        "3.3). Training is slower, since attention then runs step by step.",
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
        0.0,
        "Dropout rate, in training, of the inputs of recurrent layers, of the embeddings and the output of each "
        "sublayer of a Transformer, and of the last decoder output.",
        option=True,
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
    decoders: dict[str, DecoderSettings] = sections(
        DecoderSettings, "The decoders of single outputs, which are like the decoder unless it is set here."
    )

    @model_validator(mode="before")
    @classmethod
    def _decoders_are_complete(cls, values: Any) -> Any:
        """Complete the settings of each decoder by those of `decoder`."""
        own = values.get("decoders") if isinstance(values, Mapping) else None
        if not isinstance(own, Mapping) or not own:
            return values
        shared = values.get("decoder", {})
        shared = shared.model_dump() if isinstance(shared, DecoderSettings) else shared
        return {
            **values,
            "decoders": {
                name: {**shared, **each} if isinstance(each, Mapping) and isinstance(shared, Mapping) else each
                for name, each in own.items()
            },
        }

    def of_output(self, name: str) -> "NetworkSettings":
        """Return the settings of the network of one output: `decoder` is the decoder of this output."""
        if not self.decoders:
            return self
        decoder = self.decoders.get(name, self.decoder)
        return NetworkSettings.model_validate(self.model_dump() | {"decoder": decoder.model_dump(), "decoders": {}})

    @model_validator(mode="after")
    def _each_decoder_is_possible(self) -> Self:
        for name in self.decoders:
            try:
                self.of_output(name)
            except ValidationError as error:
                raise ValueError(f"decoders.{name}: {error.errors()[0]['msg'].removeprefix('Value error, ')}") from None
        return self

    @model_validator(mode="after")
    def _copy_bridge_has_equal_widths(self) -> Self:
        if self.bridge != "copy" or self.decoder.kind == "transformer":
            return self
        if self.encoder.kind == "transformer":
            raise ValueError(
                "bridge 'copy' requires a recurrent encoder, because a Transformer has no final states, received: "
                "encoder.kind='transformer'; use bridge 'dense'"
            )
        encoder, decoder = self.encoder.widths, [self.decoder.units] * self.decoder.layers
        if encoder != decoder:
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
        if self.attention == "multi-head-additive" and width % self.heads:
            raise ValueError(f"heads must divide the width of the encoder's output, {width}, received: {self.heads}")
        recurrent = self.decoder.kind == "recurrent"
        if self.query == "bottom" and not (recurrent and soft and self.decoder.layers > 1 and not self.input_feeding):
            raise ValueError(
                "query 'bottom' requires a recurrent decoder with decoder.layers of 2 or more, attention other "
                "than 'none' and 'monotonic', and "
                f"input_feeding = false, received: decoder.kind={self.decoder.kind!r}, "
                f"decoder.layers={self.decoder.layers}, "
                f"attention={self.attention!r}, input_feeding={self.input_feeding}"
            )
        if self.input_feeding and not (recurrent and soft):
            raise ValueError(
                f"input_feeding requires a recurrent decoder and soft attention, received: "
                f"decoder.kind={self.decoder.kind!r}, attention={self.attention!r}; use decoder.kind 'recurrent', and "
                f"attention 'general' or 'additive'"
            )
        if self.copying and self.attention == "none":
            raise ValueError("copying requires attention, received: attention='none'; use 'general' or 'monotonic'")
        if self.copying and not self.unknown:
            raise ValueError("copying requires unknown = true: unknown tokens are read as UNK before they are copied")
        return self

    @model_validator(mode="after")
    def _heads_divide_widths(self) -> Self:
        for name, side in (("encoder", self.encoder), ("decoder", self.decoder)):
            has_heads = side.kind == "transformer" or (name == "decoder" and self.attention.startswith("multi-head"))
            if has_heads and side.units % self.heads:
                raise ValueError(f"heads must divide {name}.units, {side.units}, received: {self.heads}")
        return self

    @model_validator(mode="after")
    def _transformer_decoder_is_possible(self) -> Self:
        if self.decoder.kind != "transformer":
            return self
        if self.attention not in ("multi-head", "monotonic"):
            raise ValueError(
                f"decoder.kind 'transformer' requires attention 'multi-head' or 'monotonic', received: "
                f"{self.attention!r}"
            )
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
