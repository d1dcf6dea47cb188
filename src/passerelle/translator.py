"""The translator: a network, its tokenizers and its limits in one object, which is trained, saved and loaded."""

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from functools import cached_property
from typing import Any, Unpack, overload

import numpy as np

from passerelle import saving
from passerelle.config import LONGEST_TEXT, SearchOptions, SearchSettings, Settings, validated
from passerelle.errors import DataError, ModelFileError, OutputError
from passerelle.evaluation.metrics import Report
from passerelle.inference.alignment import Aligner, Alignment, replace_unknown
from passerelle.inference.encoding import TextEncoder
from passerelle.inference.evaluating import evaluate
from passerelle.inference.lengths import Lengths
from passerelle.inference.model import InferenceModel, ensemble_of
from passerelle.inference.request import requests_of
from passerelle.inference.result import Result
from passerelle.inference.scoring import PairScore, Scorer, requests_and_targets
from passerelle.inference.search import Search
from passerelle.models.ensemble import Mean
from passerelle.models.sequence_to_sequence import SequenceToSequence
from passerelle.text.codec import Codec, make_codec
from passerelle.text.tokenizer import Tokenizer

__all__ = ["Translator"]


class Translator:
    """Translates texts, and explains, scores and evaluates translations.

    Args:
        network: its three Keras models.
        codec: texts <-> ids.
        settings: of the training.
        lengths: seen in training.
        record: of the training: data, versions, epochs, metrics; JSON values.
        others: further networks of an ensemble.
        weights: relative weight of each network of the ensemble; None for equal weights.
        mean: of the ensemble's probabilities, see `Ensemble`.
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
        self.settings = settings
        self.record = record or {}
        self.model = InferenceModel((network, *others), codec, lengths, weights, mean)
        self.networks = self.model.networks
        self.codec = self.model.codec
        self.lengths = lengths
        self._search = Search(self.model)

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
        self, texts: str, *, tags: str | None = None, **options: Unpack[SearchOptions]
    ) -> str: ...
    @overload
    def translate(
        self, texts: Sequence[str], *, tags: str | Sequence[str] | None = None, **options: Unpack[SearchOptions]
    ) -> list[str]: ...
    def translate(
        self,
        texts: str | Sequence[str],
        *,
        tags: str | Sequence[str] | None = None,
        **options: Unpack[SearchOptions],
    ) -> str | list[str]:
        """Translate each text; one string gives one string. `search` returns more about each."""
        one = isinstance(texts, str)
        results = self.search([texts] if one else texts, tags=tags, **options)
        return results[0].text if one else [result.text for result in results]

    def search(
        self, texts: Sequence[str], *, tags: str | Sequence[str] | None = None, **options: Unpack[SearchOptions]
    ) -> list[Result]:
        """Translate each text and return its score, tokens and more.

        A text of more than twice as many tokens as the longest source in training is split into sentences, and longer
        sentences into runs of whole words. Constrained and pretokenized texts are not split.

        Args:
            texts: any strings, of any length; blank ones give empty results.
            tags: the tags of each text, or one string for all; for a translator that was trained with tags.
            **options: see `SearchSettings`.

        Returns:
            One result per text, in the same order; none depends on the other texts.

        Raises:
            DataError: if `texts` is not a sequence of strings, or `tags` does not fit them or this translator.
            LongTextError: if a text that cannot be split would need more than a gigabyte (`models.footprint`).
            SettingsError: if an option is unknown or out of range.
        """
        settings = validated(SearchSettings, options)
        return [best for (best,) in self._search(requests_of(texts, tags, self.codec), settings)]

    def n_best(
        self, texts: Sequence[str], n: int, *, tags: str | Sequence[str] | None = None, **options: Unpack[SearchOptions]
    ) -> list[list[Result]]:
        """Return the best `n` translations of each text, best first; fewer where there are fewer. See `search`.

        The beam size is `n` unless `options` name a larger one; with `sample` they are `n` samples.
        """
        beam = 1 if options.get("sample") else n
        settings = validated(SearchSettings, {"beam": beam, **options, "n_best": n})
        return self._search(requests_of(texts, tags, self.codec), settings)

    def align(self, results: Sequence[Result], *, tags: str | Sequence[str] | None = None) -> list[Alignment]:
        """Return which source token each token of some translations attended to; see `inference.alignment`.

        Args:
            results: as `search` gives them.
            tags: the tags of each, or one string for all, as they were given to the search.

        Raises:
            SettingsError: if no network has attention.
        """
        return self._aligner(requests_of([result.source for result in results], tags, self.codec), results)

    def replace_unknown(
        self,
        results: Sequence[Result],
        replacements: Mapping[str, str] | None = None,
        *,
        tags: str | Sequence[str] | None = None,
    ) -> list[Result]:
        """Replace each unknown token of some translations by the source token that it attended to most.

        Args:
            results: as `search` gives them.
            replacements: translations of source tokens; other tokens are copied.
            tags: as for `align`.

        Raises:
            SettingsError: as for `align`.
        """
        return [
            replace_unknown(result, alignment, self.codec, replacements or {})
            for result, alignment in zip(results, self.align(results, tags=tags), strict=True)
        ]

    def encode(self, texts: Sequence[str], *, tags: str | Sequence[str] | None = None) -> np.ndarray:
        """Return the encoder's vector of each text.

        It is the last output of the encoder's last layer; of a bidirectional layer, both directions concatenated. The
        decoder starts from it. With attention the decoder reads the source as well, so the vector holds less.

        Args:
            texts: any strings; blank ones have a vector of zeros.
            tags: as in `search`.

        Returns:
            float32 (texts, width); no row depends on the other texts.

        Raises:
            DataError: as in `search`.
        """
        return self._encoder(requests_of(texts, tags, self.codec))

    def score(self, pairs: Iterable[tuple[str, ...]]) -> list[PairScore]:
        """Return the log probability of each pair's target, teacher-forced; it helps to find wrong pairs.

        A token that the target vocabulary lacks counts as UNK where the network can write that, and otherwise makes
        its target impossible. A blank source has a blank target and no other, as in `search`.

        Args:
            pairs: rows (source, target); (source, target, tags) if this translator was trained with tags.

        Returns:
            One score per pair, in the same order; none depends on the other pairs.

        Raises:
            DataError: if `pairs` are no such rows.
            LongTextError: if a pair would need more than a gigabyte (`models.footprint`).
        """
        return self._scorer(requests_and_targets(pairs, self.codec))

    def evaluate(self, pairs: Iterable[tuple[str, ...]], **options: Unpack[SearchOptions]) -> Report:
        """Translate each distinct source and compare it with all its targets in `pairs`.

        Args:
            pairs: rows (source, target); (source, target, tags) if this translator was trained with tags.
            **options: of the search; see `SearchSettings`.

        Raises:
            DataError: if `pairs` are no such rows, or there are none.
        """
        return evaluate(self._search, pairs, validated(SearchSettings, options))

    def together_with(
        self, others: Iterable["Translator"], *, weights: Sequence[float] | None = None, mean: Mean = "arithmetic"
    ) -> "Translator":
        """Return an ensemble: a translator whose search averages the probabilities of all their networks.

        The networks may differ in kind and size; the vocabularies must be the same. Settings, record and the three
        Keras models remain those of this translator.

        Args:
            others: any number.
            weights: relative weight of each network, this translator's first; None for equal weights.
            mean: of probabilities, or of their logarithms; see `Ensemble`.

        Raises:
            SettingsError: if the translators do not share their tokenizers, or the weights do not fit.
        """
        model = ensemble_of([self.model, *(other.model for other in others)], weights, mean)
        others_networks = model.networks[1:]
        return Translator(
            self.network, self.codec, self.settings, model.lengths, self.record, others_networks, weights, mean
        )

    @cached_property
    def _aligner(self) -> Aligner:
        return Aligner(self.model)

    @cached_property
    def _scorer(self) -> Scorer:
        return Scorer(self.model)

    @cached_property
    def _encoder(self) -> TextEncoder:
        return TextEncoder(self.network, self.codec)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write one self-contained `.keras` file, read it back, and check that nothing in it changed.

        Raises:
            OutputError: if it cannot be written or does not read back the same (an existing file stays whole), or if
                this translator is an ensemble.
        """
        if len(self.networks) > 1:
            raise OutputError(
                f"a model file holds one network, received: an ensemble of {len(self.networks)}. Save each, load "
                "each, and combine them with together_with."
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
        """Read a translator from its `.keras` file.

        Raises:
            ModelFileError: if the file is damaged, foreign or hostile; the message says how.
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
