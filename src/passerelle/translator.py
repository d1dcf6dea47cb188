"""Text -> text: tokenizers, network and search in one object, which is what is trained, saved and loaded."""

import math
import os
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, TypedDict, Unpack, overload

import numpy as np

from passerelle import saving
from passerelle.config import LONGEST_TEXT, SearchSettings, Settings, validated
from passerelle.data.pairs import Pairs, check_pairs, references
from passerelle.data.rows import BATCH_SIZES, padded_inputs, padded_width, row_batches
from passerelle.decoding.beam import NEVER, BeamResult, beam_search, length_penalty
from passerelle.decoding.greedy import LANES, greedy_search
from passerelle.errors import DataError, LongTextError, ModelFileError, OutputError, SettingsError
from passerelle.evaluation.metrics import Report, score
from passerelle.models.compiled import compiled
from passerelle.models.ensemble import Ensemble
from passerelle.models.footprint import LARGEST, floats_of_row
from passerelle.models.sequence_to_sequence import SequenceToSequence
from passerelle.scoring import STEPS, PairScore, score_batch, score_steps
from passerelle.symbols import UNK
from passerelle.text.codec import Codec, make_codec
from passerelle.text.sentences import Part, cut_text
from passerelle.text.sequences import Sequences
from passerelle.text.tokenizer import Tokenizer, normalize

__all__ = ["LongestPair", "Result", "SearchOptions", "Translator"]

AT_ONCE = 2
"""Batches searched at the same time: while one waits for its last rows or is put into words, the other computes."""


@dataclass(frozen=True)
class Result:
    """One translated text.

    Attributes:
        source: the text as it was given.
        text: its translation; empty for a blank source.
        score: log probability of the translation, in nats: at most 0, and the nearer to 0 the surer.
        normalized_score: that over the length penalty, by which translations of one text are compared.
        ids: the target ids that make up `text`, END left out.
        symbol_scores: log probability of each of them, then of END where it was reached.
        unknown: the distinct symbols of the source that have no id, in order of appearance.
        finished: False where the translation was cut at the length limit.
        parts: how many parts the text was translated in; of more than one, all the rest is put together from them, and
            `symbol_scores` has an END for each.
    """

    source: str
    text: str
    score: float
    normalized_score: float
    ids: tuple[int, ...]
    symbol_scores: tuple[float, ...]
    unknown: tuple[str, ...]
    finished: bool
    parts: int = 1

    @classmethod
    def joined(cls, source: str, parts: Sequence["Result"], blanks: Sequence[str]) -> "Result":
        """The translation of a text from those of its parts, `blanks` after each."""
        return cls(
            source=source,
            text="".join(part.text + blank for part, blank in zip(parts, blanks, strict=True)),
            score=sum(part.score for part in parts),
            normalized_score=sum(part.normalized_score for part in parts),
            ids=tuple(identifier for part in parts for identifier in part.ids),
            symbol_scores=tuple(score for part in parts for score in part.symbol_scores),
            unknown=tuple(dict.fromkeys(symbol for part in parts for symbol in part.unknown)),
            finished=all(part.finished for part in parts),
            parts=len(parts),
        )


class SearchOptions(TypedDict, total=False):
    """What a search may be told; see `SearchSettings`."""

    beam: int
    length_power: float
    min_length: int
    max_length: int | None


@dataclass(frozen=True)
class LongestPair:
    """The longest source and the longest target seen in training, in symbols (END not counted)."""

    source: int
    target: int

    @property
    def whole(self) -> int:
        """The longest source, in symbols, that is translated as one if it can be cut."""
        return 2 * self.source

    def limit(self, source_length: int | np.ndarray) -> Any:
        """Most steps, END included, for a source of this many symbols.

        As long as the longest target, with a tenth to spare; longer sources may grow in proportion.
        """
        growth = np.maximum(1.0, np.asarray(source_length) / self.source)
        return np.ceil(1.1 * self.target * growth).astype(np.int32) + 2


class Translator:
    """Translates texts.

    Args:
        network: its three models.
        codec: texts <-> the network's ids.
        settings: that made it.
        longest: lengths seen in training.
        record: of the training: data, versions, epochs, metrics; JSON values.
        others: networks whose probabilities search averages with those of `network`.
    """

    def __init__(
        self,
        network: SequenceToSequence,
        codec: Codec,
        settings: Settings,
        longest: LongestPair,
        record: dict[str, Any] | None = None,
        others: Sequence[SequenceToSequence] = (),
    ):
        self.network = network
        self.networks = (network, *others)
        # Several together copy if one of them does.
        self.codec = replace(codec, copying=any(one.settings.copying for one in self.networks))
        self.settings = settings
        self.longest = longest
        self.record = record or {}
        self._searched = Ensemble(self.networks) if others else network
        self._search = compiled(self._run_search, self._searched.variables)

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
        """Keras model: `source_ids` (batch, S) and `target_ids` (batch, T) -> logits (batch, T, columns)."""
        return self.network

    @property
    def inference_encoder(self) -> Any:
        """Keras model: `source_ids` (batch, S) -> the decoder's initial states, by name."""
        return self.network.inference_encoder

    @property
    def inference_decoder(self) -> Any:
        """Keras model: `target_ids` (batch, T) and states, by name -> `logits` and states, by name."""
        return self.network.inference_decoder

    @overload  # a str is a Sequence[str] too, so the order matters
    def translate(  # pyright: ignore[reportOverlappingOverload]
        self, texts: str, *, features: str | None = None, **options: Unpack[SearchOptions]
    ) -> str: ...
    @overload
    def translate(
        self, texts: Sequence[str], *, features: str | Sequence[str] | None = None, **options: Unpack[SearchOptions]
    ) -> list[str]: ...
    def translate(
        self,
        texts: str | Sequence[str],
        *,
        features: str | Sequence[str] | None = None,
        **options: Unpack[SearchOptions],
    ) -> str | list[str]:
        """Translates each text; one string gives one string. `search` says more about each."""
        one = isinstance(texts, str)
        results = self.search([texts] if one else texts, features=features, **options)
        return results[0].text if one else [result.text for result in results]

    def search(
        self,
        texts: Sequence[str],
        *,
        features: str | Sequence[str] | None = None,
        **options: Unpack[SearchOptions],
    ) -> list[Result]:
        """Translates each text and says how sure it is.

        A text of more than twice as many symbols as the longest source in training is translated sentence by sentence,
        and sentences as long in parts of whole words; the blanks between them stay. Ready symbols are never cut.

        Args:
            texts: any strings, of any length; blank ones give empty results.
            features: the tags of each text, or one string for all; for a translator that was taught with tags.
            **options: see `SearchSettings`.

        Returns:
            As many results, in the same order; none depends on the other texts.

        Raises:
            DataError: if `texts` is not a sequence of strings, or `features` does not fit them or this translator.
            LongTextError: if a text that cannot be cut would need more than a gigabyte (`models.footprint`).
            SettingsError: if an option is unknown or out of range.
        """
        return [best for (best,) in self._results(texts, features, validated(SearchSettings, options))]

    def n_best(
        self,
        texts: Sequence[str],
        n: int,
        *,
        features: str | Sequence[str] | None = None,
        **options: Unpack[SearchOptions],
    ) -> list[list[Result]]:
        """The best `n` translations of each text, best first; fewer where there are fewer. See `search`.

        The beam is as wide as `n` unless `options` name a wider one.
        """
        settings = validated(SearchSettings, {"beam": n, **options, "n_best": n})
        return self._results(texts, features, settings)

    def _results(
        self, texts: Sequence[str], features: str | Sequence[str] | None, settings: SearchSettings
    ) -> list[list[Result]]:
        texts, tags = self._checked(texts, features)
        results = [[Result(text, "", 0.0, 0.0, (), (), (), True)] for text in texts]
        inputs = self.codec.inputs(texts, tags)
        lengths = inputs["source_ids"].lengths
        long = self._cut(texts, lengths)
        for row, joined in self._joined_results(texts, tags, long, settings).items():
            results[row] = joined
        # Each row goes back to where it came from.
        rows = [row for row, text in enumerate(texts) if text.strip() and row not in long]
        batches = list(row_batches(rows, lengths, self._rows_at_once(rows, lengths, beam=settings.beam)))

        def translate(rows: np.ndarray) -> None:
            found = self._search_batch(inputs, rows, settings)
            n = settings.n_best
            written = Sequences.from_lengths(
                found.ids[np.arange(found.ids.shape[2]) < found.lengths[..., None]], found.lengths.ravel()
            )
            own = rows.repeat(n)
            words = self.codec.texts(
                written, [texts[row] for row in own], None if tags is None else [tags[row] for row in own]
            )
            ranked = found.scores / length_penalty(found.lengths + found.finished, settings.length_power)
            for index, row in enumerate(rows.tolist()):
                unknown = self._unknown(row, inputs, texts, tags)
                results[row] = [
                    Result(
                        source=texts[row],
                        text=words[index * n + place],
                        score=float(found.scores[index, place]),
                        normalized_score=float(ranked[index, place]),
                        ids=tuple(written[index * n + place].tolist()),
                        symbol_scores=tuple(
                            found.symbol_scores[index, place, : found.lengths[index, place] + finished].tolist()
                        ),
                        unknown=unknown,
                        finished=bool(finished),
                    )
                    for place, finished in enumerate(found.finished[index])
                    if not place or found.scores[index, place] > NEVER / 2
                ]

        if len(batches) < 2:
            for rows in batches:
                translate(rows)
        else:
            with ThreadPoolExecutor(AT_ONCE) as pool:
                for _ in pool.map(translate, batches):
                    pass
        return results

    def _cut(self, texts: list[str], lengths: np.ndarray) -> dict[int, list[Part]]:
        """The parts of texts that are too long to translate as one, by row; none of those that cannot be cut."""
        if self.source.level == "symbol":
            return {}
        rows = np.flatnonzero(lengths > self.longest.whole).tolist()
        cut = {row: cut_text(texts[row], self.longest.whole, lambda text: len(self.source.read(text))) for row in rows}
        return {row: parts for row, parts in cut.items() if len(parts) > 1}

    def _joined_results(
        self, texts: list[str], tags: list[str] | None, long: dict[int, list[Part]], settings: SearchSettings
    ) -> dict[int, list[Result]]:
        """The results of texts that were cut: the k-th is made of the k-th of every part, or of its last."""
        parts = [part for pieces in long.values() for part, _ in pieces]
        own = None if tags is None else [tags[row] for row, pieces in long.items() for _ in pieces]
        try:
            found = iter(self._results(parts, own, settings) if parts else [])
        except LongTextError as error:
            row = [row for row, pieces in long.items() for _ in pieces][error.row]
            raise LongTextError(row, error.reason) from None
        joined = {}
        for row, pieces in long.items():
            ranked = [next(found) for _ in pieces]
            blanks = [blank for _, blank in pieces]
            joined[row] = [
                Result.joined(texts[row], [results[min(rank, len(results) - 1)] for results in ranked], blanks)
                for rank in range(max(map(len, ranked)))
            ]
        return joined

    def _rows_at_once(
        self, rows: Sequence[int], lengths: np.ndarray, *, beam: int = 1, steps: int = 1, growing: int = LANES
    ) -> Callable[[int], int]:
        """How many rows of a width go into one call, of which so many grow at once, by so many steps.

        Raises:
            LongTextError: if there is no room for one of `rows`.
        """

        def floats(width: int) -> int:
            return beam * sum(
                floats_of_row(one.settings, one.target_size, width, min(width, steps)) for one in self.networks
            )

        row = max(rows, key=lambda row: lengths[row], default=None)
        if row is not None and (needed := floats(padded_width(int(lengths[row])))) > LARGEST:
            raise LongTextError(
                row,
                f"is too long: its {lengths[row]:,} symbols, which cannot be cut at a blank, need about "
                f"{needed / 2**28:,.1f} GB at once, and 1 GB is the bound. Cut it.",
            )
        return lambda width: most if (most := LARGEST // floats(width)) < growing else BATCH_SIZES[-1]

    def encode(self, texts: Sequence[str], *, features: str | Sequence[str] | None = None) -> np.ndarray:
        """What the encoder has read when it has read a text: a vector for each.

        It is the last output of the encoder's last layer; where that reads in both directions, the forward one's and
        the backward one's side by side. It holds what the decoder begins with, so of a translator with attention, whose
        decoder looks back at the source, it holds less.

        Args:
            texts: any strings; blank ones have a vector of zeros.
            features: as in `search`.

        Returns:
            float32 (texts, width); no row depends on the other texts.

        Raises:
            DataError: as in `search`.
        """
        texts, tags = self._checked(texts, features)
        inputs = self.codec.inputs(texts, tags)
        vectors = np.zeros((len(texts), self.network.settings.encoder.widths[-1]), np.float32)
        rows = [row for row, text in enumerate(texts) if text.strip()]
        for batch in row_batches(rows, inputs["source_ids"].lengths):
            vectors[batch] = np.asarray(self._encode(padded_inputs(inputs, batch)))[: len(batch)]
        return vectors

    @cached_property
    def _encode(self) -> Any:
        encoder = self.network.sentence_encoder()
        return compiled(lambda inputs: encoder(self.network.own_inputs(inputs)), self.network.variables)

    def score(self, pairs: Iterable[tuple[str, ...]]) -> list[PairScore]:
        """How likely it finds each pair's target, symbol by symbol after the right ones: to sort out wrong pairs.

        A symbol that the target's vocabulary lacks counts as UNK where the network can write that, and else makes its
        target impossible. A blank source has a blank target, and no other, as in `search`.

        Args:
            pairs: rows (source, target); (source, target, tags) where this translator was taught with tags.

        Returns:
            As many scores, in the same order; none depends on the other pairs.

        Raises:
            DataError: if `pairs` are no such rows.
            LongTextError: if a pair would need more than a gigabyte (`models.footprint`).
        """
        tagged = self.codec.features is not None
        rows = list(pairs.rows() if isinstance(pairs, Pairs) else pairs)
        rows = [row[: 2 + tagged] for row in rows] if isinstance(pairs, Pairs) else rows
        check_pairs(rows, features=tagged)
        columns = list(zip(*rows, strict=True)) or [(), (), ()]
        texts, answers, tags = list(columns[0]), list(columns[1]), list(columns[2]) if tagged else None
        inputs, targets = self.codec.inputs(texts, tags), self.codec.targets(texts, tags, answers)
        found = np.array([0.0 if not answer.strip() else -math.inf for answer in answers])
        wanted = [row for row, text in enumerate(texts) if text.strip()]
        lengths = np.maximum(inputs["source_ids"].lengths, targets.lengths)
        batches = list(
            row_batches(wanted, lengths, self._rows_at_once(wanted, lengths, steps=STEPS, growing=BATCH_SIZES[-1]))
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
        network, variables = self._searched, self._searched.variables
        steps = compiled(lambda ids, labels, state: score_steps(network, ids, labels, state), variables)
        return compiled(network.begin, variables), steps

    def _checked(
        self, texts: Sequence[str], features: str | Sequence[str] | None
    ) -> tuple[list[str], list[str] | None]:
        """The texts as a list, and the tags of each."""
        if isinstance(texts, str) or not isinstance(texts, Iterable):
            raise DataError(f"texts must be a list of strings, received: {texts!r:.80}")
        texts = list(texts)
        for text in texts:
            if not isinstance(text, str):
                raise DataError(f"texts must be strings, received: {text!r:.80}")
        return texts, self._tags(features, len(texts))

    def _tags(self, features: str | Sequence[str] | None, count: int) -> list[str] | None:
        """The tags of each of `count` texts; None where this translator knows none."""
        if self.codec.features is None:
            if features is not None:
                raise DataError(
                    f"this translator was taught without tags, received: features={features!r:.80}. Leave them out, or "
                    f"train with --features."
                )
            return None
        if features is None:
            raise DataError(
                "this translator was taught with tags and needs them with each text, after a tab or in features "
                "(--feature); an empty one says that there are none."
            )
        tags = [features] * count if isinstance(features, str) else list(features)
        if len(tags) != count or not all(isinstance(tag, str) for tag in tags):
            raise DataError(
                f"features must be one string, or one for each of {count} texts, received: {features!r:.80}"
            )
        return tags

    def _unknown(
        self, row: int, inputs: dict[str, Sequences], texts: list[str], tags: list[str] | None
    ) -> tuple[str, ...]:
        if not any(UNK in ids[row] for name, ids in inputs.items() if name != "copy_ids"):
            return ()
        return self.codec.unknown(texts[row], tags[row] if tags else "")

    def evaluate(self, pairs: Iterable[tuple[str, ...]], **options: Unpack[SearchOptions]) -> Report:
        """Translates each distinct source and compares with all its targets in `pairs`.

        Args:
            pairs: rows (source, target); (source, target, tags) where this translator was taught with tags.
            **options: of the search; see `SearchSettings`.

        Raises:
            DataError: if `pairs` are no such rows, or there are none.
        """
        tagged = self.codec.features is not None
        answers = references(check_pairs(pairs, features=tagged))
        if not answers:
            raise DataError("there are no pairs to evaluate on.")
        right = [[normalize(target) for target in targets] for targets in answers.values()]
        sources, tags = zip(*answers, strict=True)
        translations = self.translate(list(sources), features=list(tags) if tagged else None, **options)
        return score(translations, right)

    def _search_batch(self, inputs: dict[str, Sequences], rows: np.ndarray, settings: SearchSettings) -> BeamResult:
        """Runs the compiled search on one batch; returns numpy arrays with one row for each of `rows`."""
        arrays = padded_inputs(inputs, rows)
        height, width = arrays["source_ids"].shape
        limits = np.zeros(height, np.int32)  # rows that fill up the batch are closed from the start
        if settings.max_length is None:
            limits[: len(rows)] = self.longest.limit(inputs["source_ids"].lengths[rows])
            longest = int(self.longest.limit(width))
        else:
            limits[: len(rows)] = longest = settings.max_length
        options = settings.model_dump(exclude={"max_length"}) if settings.beam > 1 or settings.min_length else {}
        found = self._search(limits, arrays, max_length=longest, **options)
        return BeamResult(*(np.asarray(array)[: len(rows)] for array in found))

    def _run_search(self, limits: Any, inputs: Any, *, max_length: int, **beam: Any) -> BeamResult:
        step, state = self._searched.step, self._searched.begin(inputs)
        if beam:
            return beam_search(step, state, limits, max_length, **beam)
        found = greedy_search(step, state, limits, max_length)
        return BeamResult(*(values[:, None] for values in found))

    def together_with(self, others: Iterable["Translator"]) -> "Translator":
        """A translator that asks all their networks in each step of its search and averages the probabilities.

        The networks may differ in kind and size; the vocabularies may not. Settings, record and the three Keras models
        remain this one's.

        Raises:
            SettingsError: if a tokenizer of one is not the same as this one's.
        """
        members = [self, *others]
        for number, other in enumerate(members, start=1):
            if differences := self.codec.differences(other.codec):
                raise SettingsError(
                    f"translators that work together must share both tokenizers; number {number} differs from the "
                    f"first in: {', '.join(differences)}. Train all on one split: passerelle train PAIRS --seeds "
                    f"{len(members)}"
                )
        longest = LongestPair(
            max(member.longest.source for member in members), max(member.longest.target for member in members)
        )
        _, *networks = [network for member in members for network in member.networks]
        return Translator(self.network, self.codec, self.settings, longest, self.record, others=networks)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Writes one self-contained `.keras` file, reads it back, and checks that it translates the same.

        Raises:
            OutputError: if it cannot be written or does not translate the same; what stood there is whole. Also if
                it is several together.
        """
        if len(self.networks) > 1:
            raise OutputError(
                f"a model file holds one network, received: {len(self.networks)} together. Save each, load each, and "
                "put them together again."
            )
        features = self.codec.features
        tags = None if features is None else features.join(features.vocabulary.symbols[:2])
        probe = self.search(self._probe_texts(), features=tags)

        def check(network: SequenceToSequence, content: dict[str, Any]) -> None:
            again = _assemble(network, content).search([result.source for result in probe], features=tags)
            for before, after in zip(probe, again, strict=True):
                if before.text != after.text or not math.isclose(before.score, after.score, abs_tol=1e-3):
                    raise ModelFileError(f"{before.source!r} became {after.text!r} instead of {before.text!r}")

        content = {
            "settings": self.settings.model_dump(),
            "source_symbols": list(self.source.vocabulary.symbols),
            "target_symbols": list(self.target.vocabulary.symbols),
            "feature_symbols": [] if features is None else list(features.vocabulary.symbols),
            "longest": {"source": self.longest.source, "target": self.longest.target},
            "record": self.record,
        }
        saving.save_network(self.network, content, path, check=check)

    def _probe_texts(self) -> list[str]:
        """A known text and one with an unknown symbol."""
        known = self.source.join(self.source.vocabulary.symbols[: max(1, min(8, self.longest.source))])
        return [known, known + "\ufffe"]

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
    symbols = [content[f"{side}_symbols"] for side in ("source", "target", "feature")]
    if not all(isinstance(symbol, str) for side in symbols for symbol in side):
        raise ValueError("a vocabulary holds what is no text")
    for text, side in zip((settings.source, settings.target), symbols, strict=False):
        if text.level == "character" and any(len(symbol) != 1 for symbol in side):
            raise ValueError("a vocabulary of characters holds more than single characters")
    codec = make_codec(settings, *symbols, known=True)
    sizes = (codec.source_size, codec.target.vocabulary.size, codec.feature_size)
    if sizes != (network.source_size, network.target_size, network.feature_size):
        raise ValueError("the vocabularies do not fit the network")
    longest = LongestPair(int(content["longest"]["source"]), int(content["longest"]["target"]))
    if not all(1 <= length <= LONGEST_TEXT for length in (longest.source, longest.target)):
        raise ValueError(f"the longest pair must have 1 to {LONGEST_TEXT:,} symbols a side")
    return Translator(network, codec, settings, longest, dict(content["record"]))
