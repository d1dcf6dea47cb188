"""Text -> text: tokenizers, network and search in one object, which is what is trained, saved and loaded."""

import math
import os
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, astuple, replace
from functools import cached_property
from typing import Any, get_args, overload

import numpy as np

from passerelle import saving
from passerelle.data.lengths import Lengths
from passerelle.data.pairs import Pairs, check_pairs, references
from passerelle.data.rows import BATCH_SIZES, padded_inputs, row_batches
from passerelle.errors import DataError, ModelFileError, OutputError, SettingsError
from passerelle.evaluation.metrics import Report, score
from passerelle.models.compiled import compiled
from passerelle.models.ensemble import Mean
from passerelle.models.sequence_to_sequence import SequenceToSequence
from passerelle.scoring import STEPS, PairScore, score_batch, score_steps
from passerelle.search.alignment import Alignment, alignments, without_unknown
from passerelle.search.memory_limits import rows_at_once
from passerelle.search.results import Result
from passerelle.search.search import AT_ONCE, Search
from passerelle.settings import LONGEST_TEXT, SearchSettings, Settings, accepts_options, validated
from passerelle.text.codec import Codec, make_codec
from passerelle.text.tokenizer import Tokenizer, normalize

__all__ = ["Translator"]


class Translator:
    """Translates texts.

    Args:
        network: its three models.
        codec: texts <-> the network's ids.
        settings: that made it.
        lengths: seen in training.
        record: of the training: data, versions, epochs, metrics; JSON values.
        others: networks whose probabilities search averages with those of `network`.
        weights: how much each network counts in the mean; None for all the same.
        mean: see `Ensemble`.
    """

    def __init__(
        self,
        network: SequenceToSequence,
        codec: Codec,
        settings: Settings,
        lengths: Lengths,
        record: dict[str, Any] | None = None,
        others: Sequence[SequenceToSequence] = (),
        weights: Sequence[float] | None = None,
        mean: Mean = "arithmetic",
    ):
        self.network = network
        self.networks = (network, *others)
        # Several together copy if one of them does.
        self.codec = replace(codec, copying=any(one.settings.copying for one in self.networks))
        self.settings = settings
        self.lengths = lengths
        self.record = record or {}
        self._search = Search(self.networks, self.codec, lengths, weights, mean)

    @property
    def source(self) -> Tokenizer:
        """Text <-> source ids."""
        return self.codec.source

    @property
    def target(self) -> Tokenizer:
        """Text <-> target ids."""
        return self.codec.target

    @property
    def training_model(self) -> Any:
        """Keras model: `source` (batch, S) and `target` (batch, T) -> logits (batch, T, columns)."""
        return self.network

    @property
    def inference_encoder(self) -> Any:
        """Keras model: `source` (batch, S) -> the decoder's initial states, by name."""
        return self.network.inference_encoder

    @property
    def inference_decoder(self) -> Any:
        """Keras model: `target` (batch, T) and states, by name -> `logits` and states, by name."""
        return self.network.inference_decoder

    @overload  # a str is a Sequence[str] too, so the order matters
    def translate(  # pyright: ignore[reportOverlappingOverload]
        self, texts: str, *, tags: str | None = None, **options: Any
    ) -> str: ...
    @overload
    def translate(
        self, texts: Sequence[str], *, tags: str | Sequence[str] | None = None, **options: Any
    ) -> list[str]: ...
    @accepts_options(SearchSettings)
    def translate(
        self,
        texts: str | Sequence[str],
        *,
        tags: str | Sequence[str] | None = None,
        **options: Any,
    ) -> str | list[str]:
        """Translates each text; one string gives one string. `search` says more about each."""
        one = isinstance(texts, str)
        results = self.search([texts] if one else texts, tags=tags, **options)
        return results[0].text if one else [result.text for result in results]

    @accepts_options(SearchSettings)
    def search(
        self,
        texts: Sequence[str],
        *,
        tags: str | Sequence[str] | None = None,
        **options: Any,
    ) -> list[Result]:
        """Translates each text and says how sure it is.

        A text of more than twice as many tokens as the longest source in training is translated sentence by sentence,
        and sentences as long in parts of whole words; the blanks between them stay. Ready tokens are never cut.

        Args:
            texts: any strings, of any length; blank ones give empty results.
            tags: the tags of each text, or one string for all; for a translator that was taught with tags.
            **options: see docs/settings.md.

        Returns:
            As many results, in the same order; none depends on the other texts.

        Raises:
            DataError: if `texts` is not a sequence of strings, or `tags` does not fit them or this translator.
            LongTextError: if a text that cannot be cut would need more than a gigabyte (`models.footprint`).
            SettingsError: if an option is unknown or out of range.
        """
        return [best for (best,) in self._results(texts, tags, validated(SearchSettings, options))]

    @accepts_options(SearchSettings)
    def n_best(
        self,
        texts: Sequence[str],
        n: int,
        *,
        tags: str | Sequence[str] | None = None,
        **options: Any,
    ) -> list[list[Result]]:
        """The best `n` translations of each text, best first; fewer where there are fewer. See `search`.

        The beam is as wide as `n` unless `options` name a wider one; with `sample` they are `n` draws.
        """
        beam = 1 if options.get("sample") else n
        settings = validated(SearchSettings, {"beam": beam, **options, "n_best": n})
        return self._results(texts, tags, settings)

    def _results(
        self, texts: Sequence[str], tags: str | Sequence[str] | None, settings: SearchSettings
    ) -> list[list[Result]]:
        return self._search.results(*self._checked(texts, tags), settings)

    def align(self, results: Sequence[Result], *, tags: str | Sequence[str] | None = None) -> list[Alignment]:
        """Where each token of some translations looked; see `search.alignment`.

        Args:
            results: as `search` gives them.
            tags: the tags of each, or one string for all, as they were given to the search.

        Raises:
            SettingsError: if no network looks at its source.
        """
        if not self._search.network.attends:
            raise SettingsError(
                "this model has no attention, so nothing says where its tokens come from. Train one that has: "
                "--preset compact"
            )
        tags = self._tags(tags, len(results))
        return alignments(self._weigh, self.networks, self.codec, results, tags)

    @cached_property
    def _weigh(self) -> Any:
        network: Any = self._search.network
        return compiled(lambda inputs, ids: network.steps(ids, network.begin(inputs))[2], network.variables)

    def replace_unknown(
        self,
        results: Sequence[Result],
        replacements: Mapping[str, str] | None = None,
        *,
        tags: str | Sequence[str] | None = None,
    ) -> list[Result]:
        """The results with the source token that attention points at in the place of each unknown one.

        Args:
            results: as `search` gives them.
            replacements: what to write for some source tokens; others stand as they are.
            tags: as for `align`.

        Raises:
            SettingsError: as for `align`.
        """
        aligned = self.align(results, tags=tags)
        return [
            without_unknown(result, alignment, self.codec, replacements or {})
            for result, alignment in zip(results, aligned, strict=True)
        ]

    def encode(self, texts: Sequence[str], *, tags: str | Sequence[str] | None = None) -> np.ndarray:
        """What the encoder has read when it has read a text: a vector for each.

        It is the last output of the encoder's last layer; where that reads in both directions, the forward one's and
        the backward one's side by side. It holds what the decoder begins with, so of a translator with attention, whose
        decoder looks back at the source, it holds less.

        Args:
            texts: any strings; blank ones have a vector of zeros.
            tags: as in `search`.

        Returns:
            float32 (texts, width); no row depends on the other texts.

        Raises:
            DataError: as in `search`.
        """
        texts, tags = self._checked(texts, tags)
        inputs = self.codec.inputs(texts, tags)
        vectors = np.zeros((len(texts), self.network.settings.encoder.widths[-1]), np.float32)
        rows = [row for row, text in enumerate(texts) if text.strip()]
        for batch in row_batches(rows, inputs["source"].lengths):
            vectors[batch] = np.asarray(self._encode(padded_inputs(inputs, batch)))[: len(batch)]
        return vectors

    @cached_property
    def _encode(self) -> Any:
        encoder = self.network.sentence_encoder()
        return compiled(lambda inputs: encoder(self.network.own_inputs(inputs)), self.network.variables)

    def score(self, pairs: Iterable[tuple[str, ...]]) -> list[PairScore]:
        """How likely it finds each pair's target, token by token after the right ones: to sort out wrong pairs.

        A token that the target's vocabulary lacks counts as UNK where the network can write that, and else makes its
        target impossible. A blank source has a blank target, and no other, as in `search`.

        Args:
            pairs: rows (source, target); (source, target, tags) where this translator was taught with tags.

        Returns:
            As many scores, in the same order; none depends on the other pairs.

        Raises:
            DataError: if `pairs` are no such rows.
            LongTextError: if a pair would need more than a gigabyte (`models.footprint`).
        """
        tagged = self.codec.tags is not None
        rows = list(pairs.rows() if isinstance(pairs, Pairs) else pairs)
        rows = [row[: 2 + tagged] for row in rows] if isinstance(pairs, Pairs) else rows
        check_pairs(rows, tagged=tagged)
        columns = list(zip(*rows, strict=True)) or [(), (), ()]
        texts, answers, tags = list(columns[0]), list(columns[1]), list(columns[2]) if tagged else None
        inputs, targets = self.codec.inputs(texts, tags), self.codec.targets(texts, tags, answers)
        found = np.array([0.0 if not answer.strip() else -math.inf for answer in answers])
        wanted = [row for row, text in enumerate(texts) if text.strip()]
        lengths = np.maximum(inputs["source"].lengths, targets.lengths)
        batches = list(
            row_batches(
                wanted, lengths, rows_at_once(self.networks, wanted, lengths, steps=STEPS, growing=BATCH_SIZES[-1])
            )
        )
        begin, steps = self._score
        with ThreadPoolExecutor(AT_ONCE) as pool:
            scored = pool.map(lambda batch: score_batch(begin, steps, inputs, targets, batch), batches)
            for batch, values in zip(batches, scored, strict=True):
                found[batch] = values
        return [
            PairScore(text, answer, float(log_probability), int(length), len(normalize(answer)) + 1)
            for text, answer, log_probability, length in zip(texts, answers, found, targets.lengths, strict=True)
        ]

    @cached_property
    def _score(self) -> tuple[Any, Any]:
        network, variables = self._search.network, self._search.network.variables
        steps = compiled(lambda ids, labels, state: score_steps(network, ids, labels, state), variables)
        return compiled(network.begin, variables), steps

    def _checked(self, texts: Sequence[str], tags: str | Sequence[str] | None) -> tuple[list[str], list[str] | None]:
        """The texts as a list, and the tags of each."""
        if isinstance(texts, str) or not isinstance(texts, Iterable):
            raise DataError(f"texts must be a list of strings, received: {texts!r:.80}")
        texts = list(texts)
        for text in texts:
            if not isinstance(text, str):
                raise DataError(f"texts must be strings, received: {text!r:.80}")
        return texts, self._tags(tags, len(texts))

    def _tags(self, tags: str | Sequence[str] | None, count: int) -> list[str] | None:
        """The tags of each of `count` texts; None where this translator knows none."""
        if self.codec.tags is None:
            if tags is not None:
                raise DataError(
                    f"this translator was taught without tags, received: tags={tags!r:.80}. Leave them out, or "
                    f"train with --tag-column."
                )
            return None
        if tags is None:
            raise DataError(
                "this translator was taught with tags and needs them with each text, after a tab or in tags "
                "(--tags); an empty one says that there are none."
            )
        tags = [tags] * count if isinstance(tags, str) else list(tags)
        if len(tags) != count or not all(isinstance(tag, str) for tag in tags):
            raise DataError(f"tags must be one string, or one for each of {count} texts, received: {tags!r:.80}")
        return tags

    @accepts_options(SearchSettings)
    def evaluate(self, pairs: Iterable[tuple[str, ...]], **options: Any) -> Report:
        """Translates each distinct source and compares with all its targets in `pairs`.

        Args:
            pairs: rows (source, target); (source, target, tags) where this translator was taught with tags.
            **options: of the search; see docs/settings.md.

        Raises:
            DataError: if `pairs` are no such rows, or there are none.
        """
        tagged = self.codec.tags is not None
        answers = references(check_pairs(pairs, tagged=tagged))
        if not answers:
            raise DataError("there are no pairs to evaluate on.")
        right = [[normalize(target) for target in targets] for targets in answers.values()]
        sources, tags = zip(*answers, strict=True)
        translations = self.translate(list(sources), tags=list(tags) if tagged else None, **options)
        return score(translations, right)

    def together_with(
        self,
        others: Iterable["Translator"],
        *,
        weights: Sequence[float] | None = None,
        mean: Mean = "arithmetic",
    ) -> "Translator":
        """A translator that asks all their networks in each step of its search and averages the probabilities.

        The networks may differ in kind and size; the vocabularies may not. Settings, record and the three Keras models
        remain this one's.

        Args:
            others: at least none.
            weights: how much each network counts, this one's first; None for all the same.
            mean: of probabilities, or of their logarithms; see `Ensemble`.

        Raises:
            SettingsError: if a tokenizer of one is not the same as this one's, or the weights do not fit.
        """
        members = [self, *others]
        for number, other in enumerate(members, start=1):
            if differences := self.codec.differences(other.codec):
                raise SettingsError(
                    f"translators that work together must share both tokenizers; number {number} differs from the "
                    f"first in: {', '.join(differences)}. Train all on one split: passerelle train PAIRS --seeds "
                    f"{len(members)}"
                )
        _, *networks = [network for member in members for network in member.networks]
        if weights is not None and (len(weights) != len(networks) + 1 or not all(weight > 0 for weight in weights)):
            raise SettingsError(
                f"weights must be positive numbers, one for each of {len(networks) + 1} networks, received: "
                f"{list(weights)}"
            )
        if mean not in get_args(Mean):
            raise SettingsError(f"mean must be one of {', '.join(get_args(Mean))}, received: {mean!r}")
        lengths = (
            Lengths(*map(max, *(astuple(member.lengths) for member in members))) if len(members) > 1 else self.lengths
        )
        return Translator(self.network, self.codec, self.settings, lengths, self.record, networks, weights, mean)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Writes one self-contained `.keras` file, reads it back, and checks that nothing in it changed.

        Raises:
            OutputError: if it cannot be written or does not read back the same; what stood there is whole. Also if
                it is several together.
        """
        if len(self.networks) > 1:
            raise OutputError(
                f"a model file holds one network, received: {len(self.networks)} together. Save each, load each, and "
                "put them together again."
            )
        tags = self.codec.tags
        content = {
            "settings": self.settings.model_dump(),
            "source_tokens": list(self.source.vocabulary.tokens),
            "target_tokens": list(self.target.vocabulary.tokens),
            "tag_tokens": [] if tags is None else list(tags.vocabulary.tokens),
            "lengths": asdict(self.lengths),
            "record": self.record,
        }
        saving.save_network(self.network, content, path, check=_assemble)

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> "Translator":
        """Reads a translator from its `.keras` file.

        Raises:
            ModelFileError: saying in one line what is wrong with the file.
        """
        network, content = saving.load_network(path)
        try:
            return _assemble(network, content)
        except (KeyError, TypeError, ValueError, AttributeError, ArithmeticError, DataError) as error:
            raise ModelFileError(f"{os.fspath(path)} is damaged: {error}. Copy or train it again.") from None


def _assemble(network: SequenceToSequence, content: dict[str, Any]) -> Translator:
    settings = validated(Settings, content["settings"])
    if settings.network != network.settings:
        raise ValueError("the translator's settings are not its network's")
    tokens = [content[f"{side}_tokens"] for side in ("source", "target", "tag")]
    if not all(isinstance(token, str) for side in tokens for token in side):
        raise ValueError("a vocabulary holds what is no text")
    for text, side in zip((settings.source, settings.target), tokens, strict=False):
        if text.level == "character" and any(len(token) != 1 for token in side):
            raise ValueError("a vocabulary of characters holds more than single characters")
    codec = make_codec(settings, *tokens, known=True)
    sizes = (codec.source_size, codec.target.vocabulary.size, codec.tag_size)
    if sizes != (network.source_size, network.target_size, network.tag_size):
        raise ValueError("the vocabularies do not fit the network")
    found = content["lengths"]
    lengths = Lengths(int(found["source"]), int(found["target"]), float(found["ratio"]))
    if not all(1 <= length <= LONGEST_TEXT for length in (lengths.source, lengths.target)):
        raise ValueError(f"the longest pair must have 1 to {LONGEST_TEXT:,} tokens a side")
    if not 0 < lengths.ratio <= LONGEST_TEXT:
        raise ValueError("the ratio of lengths is out of bounds")
    return Translator(network, codec, settings, lengths, dict(content["record"]))
