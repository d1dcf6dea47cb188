"""Settings: every choice a user can make about a translator, checked before anything is built.

Values are frozen and travel inside the model file; `describe` prints them as the TOML that `--settings` reads.
`presets` makes complete ones.
"""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal, Self, TypedDict, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from passerelle.errors import SettingsError, did_you_mean

__all__ = [
    "LONGEST_TEXT",
    "MOST_EPOCHS",
    "SOFT_ATTENTION",
    "ConstraintSettings",
    "DecoderSettings",
    "EncoderSettings",
    "NetworkSettings",
    "SearchOptions",
    "SearchSettings",
    "Section",
    "Settings",
    "TagSettings",
    "TextSettings",
    "TrainingSettings",
    "check_limit",
    "validated",
]  # fmt: skip

# Bounds that no useful recurrent network reaches; what they forbid is a hostile file or a slip of the finger.
Width = Annotated[int, Field(ge=1, le=8192)]
Depth = Annotated[int, Field(ge=1, le=8)]
Rate = Annotated[float, Field(ge=0.0, lt=1.0)]

MOST_EPOCHS = 100_000
"""No training may be longer."""

LONGEST_TEXT = 1_000_000
"""Tokens; no text may be longer, nor claim to be."""


class Section(BaseModel):
    """A group of settings: frozen, and closed to names it does not know."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


S = TypeVar("S", bound=Section)


class TextSettings(Section):
    """How one side's text becomes tokens.

    Attributes:
        level: `character`; `word`; `subword`, frequent pieces of words (Sennrich et al. 2016, arXiv:1508.07909);
            `pretokenized` where the text already separates its tokens; `auto`, chosen by the pairs when these are known.
        separator: what stands between tokens; goes with level `pretokenized`, and with no other.
        vocabulary_size: most tokens to learn, the most frequent ones; 0 for all, at level `subword` for 4,000.
        min_count: tokens that occur fewer times in training are unknown; at level `subword`, pieces that would.
        case: `keep`, or `lower`: read in lower case. A target in lower case is also written so, and scored against
            texts as they stand.
        max_length: pairs with a longer text, in tokens, are not learned from, and counted; None for a limit that only
            strays exceed (`data.lengths`). Longer texts are translated whole all the same.
        vector_words: with ready-made vectors, so many words from the beginning of their file are read though training
            does not show them; of the source alone.
    """

    level: Literal["auto", "character", "word", "subword", "pretokenized"] = "character"
    separator: Annotated[str, Field(min_length=1)] | None = None
    vocabulary_size: Annotated[int, Field(ge=0, le=1_000_000)] = 0
    min_count: Annotated[int, Field(ge=1, le=1_000_000)] = 1
    case: Literal["keep", "lower"] = "keep"
    max_length: Annotated[int, Field(ge=1, le=LONGEST_TEXT)] | None = None
    vector_words: Annotated[int, Field(ge=0, le=500_000)] = 50_000

    @model_validator(mode="after")
    def _separator_goes_with_tokens(self) -> Self:
        if (self.level == "pretokenized") != (self.separator is not None):
            raise ValueError(
                f"level 'pretokenized' and a separator go together, received: level={self.level!r}, "
                f"separator={self.separator!r}"
            )
        return self

    @model_validator(mode="after")
    def _subwords_begin_with_bytes(self) -> Self:
        if self.level == "subword" and 0 < self.vocabulary_size < 256:
            raise ValueError(
                f"level 'subword' has a token for each of 256 bytes; vocabulary_size must be 256 or more, or 0 for "
                f"the usual one, received: {self.vocabulary_size}"
            )
        return self


class TagSettings(Section):
    """Tags that come with a source and steer its translation: `V;PST`, `formal`, `fr`.

    Attributes:
        mode: `none`, pairs have no tags; `inline`, tags are tokens before the source's own; `separate`, they have an
            encoder of their own, and every decoder step reads what it says, in whatever order they stand.
        separator: what stands between two tags.
    """

    mode: Literal["none", "inline", "separate"] = "none"
    separator: Annotated[str, Field(min_length=1)] = ";"


class EncoderSettings(Section):
    """What reads the source.

    Attributes:
        embedding: width of the tokens' learned vectors; 0 feeds one-hot vectors, as the tutorial does.
        units: width of each recurrent layer, per direction.
        layers: recurrent layers, one on the other.
        direction: `forward`; `backward`, the source read from its end (Sutskever et al. 2014, arXiv:1409.3215,
            section 3.3); `both`, each layer in both directions; `bottom`, the first layer in both, the others forward
            (as in GNMT, Wu et al. 2016, arXiv:1609.08144, section 3.2).
        residual: whether a layer's input is added to its output, from the second layer on, where they are as wide.
    """

    embedding: Annotated[int, Field(ge=0, le=8192)] = 64
    units: Width = 256
    layers: Depth = 1
    direction: Literal["forward", "backward", "both", "bottom"] = "forward"
    residual: bool = False

    @property
    def widths(self) -> list[int]:
        """Width of each layer's sequence and of each of its states, all directions side by side."""
        two = {"both": self.layers, "bottom": 1}.get(self.direction, 0)
        return [self.units * (2 if number < two else 1) for number in range(self.layers)]


class DecoderSettings(Section):
    """What writes the target.

    Attributes:
        embedding: width of the tokens' learned vectors; 0 feeds one-hot vectors, as the tutorial does.
        units: width of each recurrent layer.
        layers: recurrent layers, one on the other.
        residual: whether a layer's input is added to its output, from the second layer on, where they are as wide.
        context: whether every step is given the encoder's last state beside the token (Cho et al. 2014,
            arXiv:1406.1078, section 2.2).
        feedback: whether a step reads the token before it; without, it has the context alone, as behind Keras's
            `RepeatVector`.
    """

    embedding: Annotated[int, Field(ge=0, le=8192)] = 64
    units: Width = 256
    layers: Depth = 1
    residual: bool = False
    context: bool = False
    feedback: bool = True

    @model_validator(mode="after")
    def _something_must_be_read(self) -> Self:
        if not (self.feedback or self.context):
            raise ValueError("without feedback a step reads nothing but the context; set context = true")
        return self


SOFT_ATTENTION = ("general", "dot", "scaled-dot", "additive", "multi-head")
"""Kinds that look at all of the source and take the mean of what they see."""


class NetworkSettings(Section):
    """The network between source ids and target tokens.

    Attributes:
        cell: `lstm` or `gru`, on both sides.
        bridge: how the decoder's states begin: `copy` of the encoder's, through a `dense` layer, or `zero`.
        layer_norm: whether each gate is normalized inside the cell (Chen et al. 2018, arXiv:1804.09849, section 4).
        attention: how each decoder step looks at the source: `none`, not at all; `general` and `dot` (Luong et al.
            2015, arXiv:1508.04025), `scaled-dot`; `additive` (Bahdanau et al. 2014, arXiv:1409.0473), `multi-head`,
            additive too (RNMT+); `monotonic`, at one token that never moves back, exactly (Wu and Cotterell 2019,
            arXiv:1905.06319), for spelling-like tasks.
        heads: of multi-head attention.
        query: which decoder layer asks: the `top`, or the `bottom` (GNMT), whose context the layers above then read.
        input_feeding: whether what attention found goes into the next step (Luong, section 3.3). Training then walks
            step by step, which is slower.
        copying: whether a step may also write a source token as it stands, known or not (See et al. 2017,
            arXiv:1704.04368).
        tie: what shares one table of tokens' vectors: `none`, nothing; `target`, what the decoder reads and the output
            (Press and Wolf 2017, arXiv:1608.05859); `all`, what the encoder reads too, with one vocabulary learned from
            both sides' texts. Outputs of another width are first projected to the vectors'.
        embedding_init_range: how far from 0 the first values of tokens' learned vectors are at most. Within Keras's 0.05 a
            layer of 128 units above vectors of 64 hardly hears at first which token it reads: tokens move its gates
            by 0.014 (standard deviation); within 1, by 0.27. Tags' vectors begin within 0.05 always.
        unknown: whether UNK has a vector and an output of its own; if not, it is read as zeros and never written.
        dropout: share of values dropped from recurrent layers' inputs and from the last output, while training.
        recurrent_dropout: share dropped from the states that a step reads, the same ones at every step (Gal and
            Ghahramani 2016, arXiv:1512.05287).
        recurrent_dtype: number format in which states are multiplied by recurrent weights: `float32`, or `bfloat16`, faster
            and less exact. States, sums and weights are float32 either way.
    """

    cell: Literal["lstm", "gru"] = "lstm"
    bridge: Literal["copy", "dense", "zero"] = "dense"
    layer_norm: bool = False
    attention: Literal["none", "general", "dot", "scaled-dot", "additive", "multi-head", "monotonic"] = "none"
    heads: Annotated[int, Field(ge=1, le=64)] = 4
    query: Literal["top", "bottom"] = "top"
    input_feeding: bool = False
    copying: bool = False
    tie: Literal["none", "target", "all"] = "none"
    embedding_init_range: Annotated[float, Field(gt=0.0, le=100.0)] = 0.05
    unknown: bool = True
    dropout: Rate = 0.0
    recurrent_dropout: Rate = 0.0
    recurrent_dtype: Literal["float32", "bfloat16"] = "float32"
    encoder: EncoderSettings = EncoderSettings()
    decoder: DecoderSettings = DecoderSettings()

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


class TrainingSettings(Section):
    """How the network is taught.

    Attributes:
        epochs: passes over the training pairs, at most.
        minutes: after which training ends, amid an epoch too; 0 for no such limit.
        batch_size: pairs, or tokens, in one update.
        batch_type: what `batch_size` counts: `pair`, or `token`, of source and target together, padding included, so
            that batches of short texts have more pairs.
        optimizer: name of a Keras optimizer; `muon` learns more from each pass, which takes longer.
        learning_rate: step size, at its highest.
        schedule: `constant`, or `cosine`: falls to nearly nothing over `epochs` or `minutes`, after a short warm-up.
        clip: largest norm of all gradients together; 0 leaves them alone.
        label_smoothing: share of each label spread over all tokens (Szegedy et al. 2016, arXiv:1512.00567).
        decoder_inputs: which tokens the decoder reads while it learns: the right ones (`teacher_forcing`); now and then its own
            choice, the more often the later (`scheduled_sampling`, Bengio et al. 2015, arXiv:1506.03099, by inverse sigmoid);
            its own alone (`free_running`). The latter two cost a search in every update.
        scheduled_sampling_k: with `scheduled_sampling`, how slowly the right tokens become fewer: k in k / (k + exp(epoch / k)).
        copy_masking: with a copying network, share of the tokens on both sides of a pair that are made unknown while it
            learns, so that it learns to copy what it does not know.
        frozen_epochs: epochs for which ready-made word vectors stay as they came, before they are tuned; as many as
            `epochs` or more: always.
        keep: which weights to keep: those of the `best` epoch on the validation pairs, or of the `last`.
        patience: epochs without a better validation loss after which training ends; 0 never ends early.
        seed: of initial weights, dropout, the split and the order of batches.
    """

    epochs: Annotated[int, Field(ge=1, le=MOST_EPOCHS)] = 30
    minutes: Annotated[float, Field(ge=0.0, le=1_000_000.0)] = 0.0
    batch_size: Annotated[int, Field(ge=1, le=65_536)] = 64
    batch_type: Literal["pair", "token"] = "pair"
    optimizer: Literal["adam", "adamw", "adagrad", "lion", "muon", "nadam", "rmsprop", "sgd"] = "adam"
    learning_rate: Annotated[float, Field(gt=0.0, le=10.0)] = 0.001
    schedule: Literal["constant", "cosine"] = "constant"
    clip: Annotated[float, Field(ge=0.0)] = 0.0
    label_smoothing: Rate = 0.0
    decoder_inputs: Literal["teacher_forcing", "scheduled_sampling", "free_running"] = "teacher_forcing"
    scheduled_sampling_k: Annotated[float, Field(gt=0.0, le=100_000.0)] = 5.0
    copy_masking: Rate = 0.1
    frozen_epochs: Annotated[int, Field(ge=0, le=MOST_EPOCHS)] = MOST_EPOCHS
    keep: Literal["best", "last"] = "best"
    patience: Annotated[int, Field(ge=0)] = 0
    seed: Annotated[int, Field(ge=0, lt=2**31)] = 1


class ConstraintSettings(Section):
    """Constraints on every translation.

    Attributes:
        prefix: what every translation begins with.
        require: what every translation holds somewhere.
        forbid: what none may hold.
        lexicon: the only translations allowed, where there are any.
        pattern: a regular expression that every whole translation matches; see `constraints.patterns`.
        grammar: a file of named patterns, instead of one; see `constraints.grammars`.
    """

    prefix: str = ""
    require: Annotated[tuple[str, ...], Field(strict=False)] = ()
    forbid: Annotated[tuple[str, ...], Field(strict=False)] = ()
    lexicon: Annotated[tuple[str, ...], Field(strict=False)] = ()
    pattern: str | None = None
    grammar: str | None = None


class SearchSettings(ConstraintSettings):
    """How translations are looked for.

    Attributes:
        beam: beginnings followed side by side; 1 takes the likeliest token in each step.
        n_best: translations of each text: at most `beam`, or with `sample` so many draws.
        length_penalty: of the length penalty by which finished translations are compared (Wu et al. 2016,
            arXiv:1609.08144, section 7); 0 compares log probabilities, which prefers short ones.
        coverage_penalty: weight of the coverage penalty (there, beta) for source tokens that no step looked at; needs a beam
            and attention.
        groups: the beam's shares that avoid each other's choices, so that the best differ (diverse beam search,
            Vijayakumar et al. 2016, arXiv:1610.02424).
        diversity: how strongly they do, nats for each choice of the same token in the same step.
        sample: whether tokens are drawn by their probabilities, and not searched for.
        temperature: of the draws: below 1 the likely become likelier.
        top_k: draw from so many of the likeliest tokens alone; 0 for all.
        top_p: draw from the fewest likeliest tokens that have this share of all probability.
        seed: of the draws. They depend on it, the text and which of the `n_best` it is: not on other texts.
        no_repeat_ngram_size: no so many tokens in a row are written twice; 0 allows all.
        min_length: END is not written before so many tokens.
        max_length: most tokens, END included; None for a limit learned in training.
    """

    beam: Annotated[int, Field(ge=1, le=1024)] = 1
    n_best: Annotated[int, Field(ge=1, le=1024)] = 1
    length_penalty: Annotated[float, Field(ge=0.0, le=10.0)] = 0.6
    coverage_penalty: Annotated[float, Field(ge=0.0, le=10.0)] = 0.0
    groups: Annotated[int, Field(ge=1, le=1024)] = 1
    diversity: Annotated[float, Field(ge=0.0, le=1000.0)] = 0.5
    sample: bool = False
    temperature: Annotated[float, Field(gt=0.0, le=1000.0)] = 1.0
    top_k: Annotated[int, Field(ge=0)] = 0
    top_p: Annotated[float, Field(gt=0.0, le=1.0)] = 1.0
    seed: Annotated[int, Field(ge=0, lt=2**31)] = 1
    no_repeat_ngram_size: Annotated[int, Field(ge=0, le=1000)] = 0
    min_length: Annotated[int, Field(ge=0, le=LONGEST_TEXT)] = 0
    max_length: Annotated[int, Field(ge=1, le=LONGEST_TEXT)] | None = None

    @model_validator(mode="after")
    def _the_best_must_fit(self) -> Self:
        if self.sample and self.beam > 1:
            raise ValueError("sample draws translations and beam searches for the likeliest; choose one of them")
        if not self.sample and self.n_best > self.beam:
            raise ValueError(f"{self.n_best} best translations need a beam of as many, received: beam={self.beam}")
        if self.beam % self.groups:
            raise ValueError(f"groups must share out the beam evenly, received: beam={self.beam}, groups={self.groups}")
        if self.groups > 1 and self.require:
            raise ValueError("groups and require share out the beam in different ways; choose one of them")
        if self.coverage_penalty and self.beam == 1:
            raise ValueError("coverage_penalty compares translations; it needs a beam of 2 or more")
        return self

    @property
    def constraints(self) -> ConstraintSettings:
        """The constraints among these settings."""
        return ConstraintSettings(**{name: getattr(self, name) for name in ConstraintSettings.model_fields})

    def program_key(self) -> Self:
        """Return the same settings with those that enter a compiled search as arrays at their defaults.

        These are `seed`, `max_length` and the constraints. All others may change the program.
        """
        arrays = ("seed", "max_length", *ConstraintSettings.model_fields)
        return self.model_copy(update={name: type(self).model_fields[name].default for name in arrays})


class SearchOptions(TypedDict, total=False):
    """Keyword arguments of a search; see `SearchSettings`."""

    beam: int
    length_penalty: float
    coverage_penalty: float
    groups: int
    diversity: float
    sample: bool
    temperature: float
    top_k: int
    top_p: float
    seed: int
    no_repeat_ngram_size: int
    min_length: int
    max_length: int | None
    prefix: str
    require: Sequence[str]
    forbid: Sequence[str]
    lexicon: Sequence[str]
    pattern: str | None
    grammar: str | None


class Settings(Section):
    """Everything: the preset it began with, both sides' text and the tags, the network, the training."""

    preset: str
    source: TextSettings = TextSettings()
    target: TextSettings = TextSettings()
    tags: TagSettings = TagSettings()
    network: NetworkSettings = NetworkSettings()
    training: TrainingSettings = TrainingSettings()

    @model_validator(mode="after")
    def _copies_can_be_written(self) -> Self:
        source, target = self.source, self.target
        if self.network.copying and source.case != target.case:
            raise ValueError(
                f"copying writes source tokens as they are read, and case is {source.case!r} in the source, "
                f"{target.case!r} in the target; make them equal"
            )
        levels = (source.level, target.level)
        if self.network.copying and levels.count("subword") == 1 and "auto" not in levels:
            raise ValueError(
                f"copying writes source tokens as they are, and subwords are spelled in bytes; levels are "
                f"{source.level!r} and {target.level!r}, use 'subword' on both sides or on neither"
            )
        return self

    @model_validator(mode="after")
    def _one_vocabulary_is_read_one_way(self) -> Self:
        if self.network.tie != "all":
            return self
        for name in ("level", "separator", "case", "vocabulary_size", "min_count"):
            source, target = getattr(self.source, name), getattr(self.target, name)
            if source != target:
                raise ValueError(
                    f"network.tie 'all' has one vocabulary; source.{name} is {source!r}, target.{name} {target!r}, "
                    f"make them equal, or tie 'target' alone"
                )
        if self.tags.mode == "inline":
            raise ValueError("network.tie 'all' has no room for tags 'inline' the source; use 'separate'")
        return self


def check_limit(limit: int | None) -> int | None:
    """Returns `limit` if it is a number of pairs.

    Raises:
        SettingsError: if it is below one.
    """
    if limit is not None and limit < 1:
        raise SettingsError(f"limit must be at least one pair, received: {limit}")
    return limit


def validated(kind: type[S], values: Mapping[str, Any]) -> S:
    """Builds a section from plain values.

    Raises:
        SettingsError: one line that names every wrong value.
    """
    try:
        return kind.model_validate(values)
    except ValidationError as error:
        raise SettingsError("; ".join(_explain(kind, dict(problem)) for problem in error.errors())) from None


def _explain(kind: type[Section], problem: dict[str, Any]) -> str:
    path = [str(step) for step in problem["loc"]]
    name = ".".join(path) or "settings"
    if problem["type"] == "extra_forbidden":
        section: Any = kind
        for step in path[:-1]:
            section = section.model_fields[step].annotation
        return f"unknown setting {name!r}.{did_you_mean(path[-1], section.model_fields)}"
    message = problem["msg"].removeprefix("Value error, ")
    if problem["type"] == "value_error":
        return f"{name}: {message}"
    return f"{name}: {message[0].lower()}{message[1:]}, received: {problem['input']!r}"
