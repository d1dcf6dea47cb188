"""The three Keras models: one to teach, two to translate, all made of the same layers."""

from pathlib import Path
from typing import Any

import keras
from keras import ops

from passerelle.errors import SettingsError
from passerelle.layers.recurrent import STATE_NAMES
from passerelle.models.bridge import Bridge
from passerelle.models.decoder import Decoder
from passerelle.models.encoder import Encoder
from passerelle.settings import NetworkSettings, validated
from passerelle.special_tokens import FIRST_ORDINARY, IMPOSSIBLE, START, UNK

__all__ = ["SequenceToSequence", "first_source_column", "first_target_column"]

ATTENTION, COVERAGE = "attention", "coverage"
LEAST = 1e-9
"""Below all attention that counts; keeps logarithms finite."""

LARGEST_VOCABULARY = 2**21
LARGEST_MONOTONIC = 2**10
"""Target ids that exact monotonic attention can afford."""


def first_source_column(settings: NetworkSettings) -> int:
    """The source id that column 0 stands for; ids below it are zero vectors."""
    if settings.tie == "all":
        return first_target_column(settings)
    return UNK if settings.unknown else FIRST_ORDINARY


def first_target_column(settings: NetworkSettings) -> int:
    """The target id that column 0 stands for; ids below it can be neither read nor written."""
    return UNK if settings.unknown else START


@keras.saving.register_keras_serializable("passerelle")
class SequenceToSequence(keras.Model):
    """The training model, which holds the two inference models.

    As a Keras model it takes `{"source_ids": int (batch, S), "target_ids": int (batch, T)}`, where it copies also
    `"copy_ids": int (batch, S)`, the target id of each source token (see `text.copying`), where tags have an encoder
    of their own `"tag_ids": int (batch, F)`, and gives logits, float (batch, T, columns): position t answers what
    comes after target tokens 0 to t. Where it copies, S columns more stand for the source's positions.

    Args:
        settings: of the network.
        source_size: ids of the source vocabulary, special ones included.
        target_size: ids of the target vocabulary, special ones included.
        tag_size: ids of the tags that have an encoder of their own, special ones included; 0 for none.
        source_fixed: how many of the last source ids have vectors that training leaves as they are.

    Attributes:
        inference_encoder: `source_ids`, a dict with the others where there are any -> the decoder's initial states and
            the memory, a dict by name.
        inference_decoder: that dict and `target_ids`, int (batch, T) -> a dict with `logits`, float
            (batch, T, columns), the states after the last token, under the names they came in by, and, where the
            network has it, `attention`, float (batch, T, S): where each step looked.
        assets: texts that travel in the model file beside the weights, by file name.
    """

    def __init__(
        self,
        settings: NetworkSettings | dict[str, Any],
        source_size: int,
        target_size: int,
        tag_size: int = 0,
        source_fixed: int = 0,
        **kwargs: Any,
    ):
        settings = settings if isinstance(settings, NetworkSettings) else validated(NetworkSettings, settings)
        _check_sizes(settings, source_size, target_size, tag_size, source_fixed)
        first_source, first_target = first_source_column(settings), first_target_column(settings)
        encoder = Encoder(
            settings,
            columns=source_size - first_source,
            first=first_source,
            tag_size=tag_size,
            fixed=source_fixed,
        )
        bridge = Bridge(settings)
        decoder = Decoder(
            settings,
            columns=target_size - first_target,
            first=first_target,
            tags=tag_size > 0,
            table=encoder.vectors,
        )

        ids = {
            name: keras.Input((None,), dtype="int32", name=name)
            for name in ("source_ids", "copy_ids", "tag_ids", "target_ids")
        }
        for name, used in (("copy_ids", settings.copying), ("tag_ids", tag_size)):
            if not used:
                ids.pop(name)
        memory, final_states = encoder(ids["source_ids"], ids.get("copy_ids"), ids.get("tag_ids"))
        states = decoder.first_states(bridge(final_states), memory)
        logits, _, _ = decoder(ids["target_ids"], states, memory)
        kwargs.setdefault("name", "training_model")
        super().__init__(ids, logits, **kwargs)

        target_ids = ids.pop("target_ids")
        begin: Any = ids if len(ids) > 1 else ids["source_ids"]
        read = tuple(ids)
        self.inference_encoder = keras.Model(begin, states | memory, name="inference_encoder")
        sentence = final_states[-1][:: len(STATE_NAMES[settings.cell])]  # h of each direction
        self._sentence = begin, ops.concatenate(sentence, axis=-1) if len(sentence) > 1 else sentence[0]
        states_in, memory_in = (
            {name: keras.Input(batch_shape=value.shape, dtype=value.dtype, name=name) for name, value in group.items()}
            for group in (states, memory)
        )
        logits, states_out, weights = decoder(target_ids, states_in, memory_in)
        self.inference_decoder = keras.Model(
            {"target_ids": target_ids} | states_in | memory_in,
            {"logits": logits} | states_out | ({} if weights is None else {ATTENTION: weights}),
            name="inference_decoder",
        )
        # The encoder's outputs carry Keras's mask with them; the decoder has its own, `memory_mask`.
        self.inference_decoder.supports_masking = True
        self._read = read
        self.settings = settings
        self.source_size = source_size
        self.target_size = target_size
        self.tag_size = tag_size
        self.source_fixed = source_fixed
        self.assets: dict[str, str] = {}

    @property
    def first_target(self) -> int:
        """The target id of logits column 0."""
        return first_target_column(self.settings)

    @property
    def first_source(self) -> int:
        """The source id of row 0 of the source's vectors."""
        return first_source_column(self.settings)

    def table(self, side: str, name: str = "table") -> Any:
        """The Keras variable that holds a side's vectors, float (rows, width); `fixed_table` those left alone."""
        return next(variable for variable in self.variables if variable.path.endswith(f"{side}_embedding/{name}"))

    def begin(self, inputs: dict[str, Any], *, coverage: bool = False) -> dict[str, Any]:
        """Reads the source: what `step` needs before the first token, arrays with leading axis batch.

        Args:
            inputs: those of the training model without `target_ids`; what this network does not take is passed over.
            coverage: whether steps sum up where they looked, for `covered`; not without attention.
        """
        state = self.inference_encoder(self.own_inputs(inputs))
        if coverage and self.attends:
            state[COVERAGE] = ops.zeros_like(state["memory_mask"], dtype="float32")
        return state

    @property
    def attends(self) -> bool:
        """Whether its steps look at the source."""
        return self.settings.attention != "none"

    def covered(self, state: dict[str, Any]) -> Any:
        """float (batch,), at most 0: the sum over source tokens of log(min(attention it had in all steps, 1)).

        Source: Wu et al. 2016, arXiv:1609.08144, section 7, equation 14, without its factor.
        """
        had = ops.log(ops.clip(state[COVERAGE], LEAST, 1.0))
        return ops.sum(ops.where(state["memory_mask"], had, 0.0), axis=-1)

    def sentence_encoder(self) -> Any:
        """A Keras model, made of the same layers: inputs as of the inference encoder -> float (batch, width), the last
        output of the encoder's last layer, forward, then backward.
        """
        return keras.Model(*self._sentence, name="sentence_encoder")

    def own_inputs(self, inputs: dict[str, Any]) -> Any:
        """Those of the inference encoder, as it takes them; others are passed over."""
        own = {name: inputs[name] for name in self._read}
        return own if len(own) > 1 else own["source_ids"]

    def step(self, ids: Any, state: dict[str, Any]) -> tuple[Any, dict[str, Any]]:
        """Reads one target token, says how likely each token comes next.

        Args:
            ids: int (batch,), START at first.
            state: from `begin` or the step before.

        Returns:
            log_probs: float (batch, target_size), in nats, by id; PAD and START are impossible. Where the network
                copies, S more for the source's positions.
            state: for the next step.
        """
        log_probs, state, _ = self.steps(ops.expand_dims(ids, -1), state)
        return log_probs[:, 0], state

    def steps(self, ids: Any, state: dict[str, Any]) -> tuple[Any, dict[str, Any], Any]:
        """As `step`, of T target tokens at once.

        Args:
            ids: int (batch, T).
            state: as for `step`.

        Returns:
            log_probs: float (batch, T, target_size), or S more.
            state: after the last token.
            weights: float (batch, T, S), where each step looked; None without attention.
        """
        read = {name: values for name, values in state.items() if name != COVERAGE}
        outputs = self.inference_decoder({"target_ids": ids, **read})
        weights = outputs.pop(ATTENTION, None)
        if COVERAGE in state:
            outputs[COVERAGE] = state[COVERAGE] + ops.sum(weights, axis=1)
        log_probs: Any = ops.log_softmax(outputs.pop("logits"))
        log_probs = ops.pad(log_probs, ((0, 0), (0, 0), (self.first_target, 0)), constant_values=IMPOSSIBLE)
        never = ops.equal(ops.arange(log_probs.shape[-1]), START)
        return ops.where(never, IMPOSSIBLE, log_probs), state | outputs, weights

    def get_config(self) -> dict[str, Any]:
        return {
            "settings": self.settings.model_dump(),
            "source_size": self.source_size,
            "target_size": self.target_size,
            "tag_size": self.tag_size,
            "source_fixed": self.source_fixed,
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


def _check_sizes(
    settings: NetworkSettings, source_size: int, target_size: int, tag_size: int, source_fixed: int
) -> None:
    """Raises SettingsError where there can be no such vocabularies, or not with these settings."""
    for size in (source_size, target_size, *([tag_size] if tag_size else [])):
        if type(size) is not int or not FIRST_ORDINARY < size <= LARGEST_VOCABULARY:
            raise SettingsError(
                f"a vocabulary must have {FIRST_ORDINARY + 1} to {LARGEST_VOCABULARY} ids, received: {size!r}"
            )
    if settings.tie == "all" and (source_size != target_size or source_fixed):
        raise SettingsError(
            f"tie 'all' has one table, all of it learned, for {source_size} source ids ({source_fixed} fixed) and "
            f"{target_size} target ids; make them equal, or tie 'target' alone"
        )
    if type(source_fixed) is not int or not 0 <= source_fixed < source_size - FIRST_ORDINARY:
        raise SettingsError(f"fixed source vectors must be fewer than source tokens, received: {source_fixed!r}")
    if source_fixed and not settings.encoder.embedding:
        raise SettingsError("fixed source vectors need encoder.embedding above 0; one-hot vectors have no table")
    if settings.attention == "monotonic" and target_size > LARGEST_MONOTONIC:
        raise SettingsError(
            f"attention 'monotonic' weighs every target token at every source token in every step, which "
            f"{target_size:,} target tokens make too large (at most {LARGEST_MONOTONIC:,}). Use attention "
            f"'general', or characters instead of words."
        )
