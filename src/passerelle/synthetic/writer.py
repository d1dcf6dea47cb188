"""The writer of synthetic texts: a translator or an ensemble, and the files that it was loaded from."""

import hashlib
import json
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from passerelle.data.checksum import file_sha256
from passerelle.errors import DataError, SettingsError
from passerelle.models.ensemble import Mean
from passerelle.settings import Settings, with_stored
from passerelle.translator import Translator

__all__ = ["Member", "Writer"]


@dataclass(frozen=True)
class Member:
    """One model of a writer.

    Attributes:
        name: the name of its file; None for a translator that was passed in memory.
        sha256: the SHA-256 of its file, in hexadecimal digits; None for a translator that was passed in memory.
        validation_sha256: the fingerprint of the pairs that validated its training; None if unknown.
    """

    name: str | None
    sha256: str | None
    validation_sha256: str | None


@dataclass(frozen=True)
class Writer:
    """A translator that writes one side of synthetic pairs.

    Attributes:
        translator: one translator, or the ensemble of all members.
        members: the models, in order.
        search: the search options that differ from the stored search.
        combination: the weights and the mean of the ensemble, as passed.
    """

    translator: Translator
    members: tuple[Member, ...]
    search: Mapping[str, Any]
    combination: tuple[Sequence[float] | None, str | None] = (None, None)

    @classmethod
    def of(
        cls,
        models: Translator | str | os.PathLike[str] | Iterable[Translator | str | os.PathLike[str]],
        *,
        weights: Sequence[float] | None = None,
        mean: Mean | None = None,
        search: Mapping[str, Any] | None = None,
    ) -> "Writer":
        """Load models and combine them as an ensemble.

        Args:
            models: one or several translators, or paths of model files.
            weights: see `Translator.ensemble_with`.
            mean: see `Translator.ensemble_with`.
            search: search options; those that are missing are those of the first model's stored search.

        Raises:
            DataError: if there is no model, or one is neither a translator nor a path.
            ModelFileError: if a file cannot be read or is not a valid model file.
            SettingsError: if the models do not share their tokenizers, or an option is invalid.
        """
        one = isinstance(models, (Translator, str, os.PathLike))
        listed: list[Any] = [models] if one else list(models) if isinstance(models, Iterable) else [models]
        if not listed:
            raise DataError("distillation needs at least one teacher, received: none")
        translators, members = [], []
        for model in listed:
            if not isinstance(model, (Translator, str, os.PathLike)):
                raise DataError(f"expected translators or paths of model files, received: {model!r:.80}")
            translator = model if isinstance(model, Translator) else Translator.load(model)
            if not isinstance(model, Translator) and len(translator.outputs) > 1:
                raise SettingsError(
                    f"{os.fspath(model)} has the outputs {', '.join(translator.outputs)}, and synthetic pairs have "
                    f"one. Load it, and pass the translator of one output: for_output."
                )
            if not translator.outputs:
                raise SettingsError(f"a model whose outputs have numbers writes no texts, received: {model!r:.80}")
            translators.append(translator)
            members.append(_member(translator, None if isinstance(model, Translator) else Path(model)))
        first, *others = translators
        if others or weights is not None or mean is not None:
            first = first.ensemble_with(others, weights=weights, mean=mean)
        search = {name: value for name, value in (search or {}).items() if value is not None}
        with_stored(search, first.stored_search)
        return cls(first, tuple(members), search, (weights, mean))

    @property
    def tagged(self) -> bool:
        """Whether each text needs tags."""
        return self.translator.signature.tagged

    @cached_property
    def key(self) -> str:
        """Hexadecimal digits that are the same for the same files, ensemble and search, and so the same translations.

        Raises:
            SettingsError: if a model was not loaded from a file.
        """
        digests = [member.sha256 for member in self.members]
        if None in digests:
            raise SettingsError("a translator in memory has no key; pass the path of its model file")
        facts = [digests, self.combination, dict(self.search)]
        return hashlib.sha256(json.dumps(facts, sort_keys=True, default=list).encode()).hexdigest()[:16]

    def to_json(self) -> list[dict[str, Any]]:
        """Return name and SHA-256 of each member, for the training record."""
        return [{"name": member.name, "sha256": member.sha256} for member in self.members]

    def search_json(self) -> dict[str, Any]:
        """Return beam size and length penalty as JSON values, for the training record."""
        settings = with_stored(dict(self.search), self.translator.stored_search)
        return {"beam": settings.beam, "length_penalty": settings.length_penalty}

    def require_tags_of(self, settings: Settings, role: str) -> None:
        """Check that a model with these settings and the writer read the same tags.

        Args:
            settings: settings of the model that is going to be trained.
            role: the writer in words, such as `the teachers`.

        Raises:
            SettingsError: if only one of both has tags, or their separators differ.
        """
        mine, wanted = self.translator.settings.tags, settings.tags
        if (mine.mode == "none") != (wanted.mode == "none"):
            raise SettingsError(
                f"{role} must have the tags of the pairs, received: tags.mode {mine.mode!r} of {role}, and "
                f"tags.mode {wanted.mode!r} of the model to train. Use tags in both or in neither."
            )
        if mine.mode != "none" and mine.separator != wanted.separator:
            raise SettingsError(
                f"{role} must separate tags as the model to train does, received: tags.separator {mine.separator!r} "
                f"of {role}, and {wanted.separator!r}. Set tags.separator to {mine.separator!r}."
            )


def _member(translator: Translator, path: Path | None) -> Member:
    data = translator.record.get("data")
    validation = data.get("validation_sha256") if isinstance(data, dict) and data.get("validation_pairs") else None
    if path is None:
        return Member(None, None, validation)
    return Member(path.name, file_sha256(path), validation)
