"""Settings of a search, and of the constraints on its translations."""

from collections.abc import Callable, Mapping
from typing import Any, ClassVar, Literal, Self

from pydantic import model_validator

from passerelle.errors import SettingsError, brief
from passerelle.settings.schema import Section, setting, settings_in, validated
from passerelle.settings.text import MAX_TEXT_LENGTH

__all__ = [
    "BEAM_WITH_REQUIRE",
    "ConstraintSettings",
    "MBRUtility",
    "SearchSettings",
    "SplitMode",
    "stored_search",
    "with_stored",
]

MBRUtility = Literal["auto", "chrf", "edit"]
"""Similarity of two translations in minimum Bayes risk decoding."""

SplitMode = Literal["auto", "never", "always"]
"""When a text is split into sentences."""

MAX_BEAM = 1024
"""Maximum beam size."""

BEAM_WITH_REQUIRE = 5
"""Minimum of the default beam size with `require`. Greedy search would write required texts only at the end."""


class ConstraintSettings(Section):
    """Constrained decoding: constraints on every translation. All of them apply at once."""

    group: ClassVar[str] = "Search"

    prefix: str = setting(
        "", "Force-decode a prefix: every translation starts with this text.", option=True, data_only=True
    )
    require: tuple[str, ...] = setting(
        (),
        "Constrained decoding: texts that every translation must contain.",
        option=True,
        data_only=True,
        strict=False,
    )
    forbid: tuple[str, ...] = setting(
        (), "Texts that no translation may contain.", option=True, data_only=True, strict=False
    )
    lexicon: tuple[str, ...] = setting(
        (),
        "Allowed translations: every translation must be one of these texts.",
        option=True,
        data_only=True,
        from_file=True,
        strict=False,
    )
    pattern: str | None = setting(
        None, 'Regular expression that every translation must match completely, such as "[0-9]{4}-[0-9]{2}".',
        option=True, data_only=True,
    )  # fmt: skip
    grammar: str | None = setting(
        None,
        "Grammar file of named patterns, one NAME = PATTERN per line. (?&NAME) refers to another pattern; main must "
        "match the complete translation.",
        option=True,
        data_only=True,
    )


class SearchSettings(ConstraintSettings):
    """Decoding: greedy search, beam search, sampling or minimum Bayes risk decoding."""

    beam: int = setting(
        1,
        "Beam size: hypotheses kept per step; 1 is greedy search. By default the size that the model file stores, "
        f"raised if needed to the size of the n-best list, and to {BEAM_WITH_REQUIRE} with require.",
        option=True,
        stored=True,
        ge=1,
        le=MAX_BEAM,
    )
    n_best: int = setting(
        1,
        "Size of the n-best list: translations per text, at most the beam size or mbr, or the number of samples.",
        ge=1,
        le=1024,
    )
    # Wu et al. 2016, section 7.
    length_penalty: float = setting(
        0.6,
        "Length penalty (arXiv:1609.08144, section 7): exponent of the length by which scores are normalized. 0 "
        "compares log probabilities, which favors short translations. By default the value that the model file stores.",
        option=True,
        data_only=True,
        stored=True,
        ge=0.0,
        le=10.0,
    )
    coverage_penalty: float = setting(
        0.0,
        "Coverage penalty (beta of arXiv:1609.08144, section 7): weight of the penalty for source tokens that received "
        "little attention. Requires a beam above 1 and attention.",
        option=True,
        ge=0.0,
        le=10.0,
    )
    # Vijayakumar et al. 2016.
    groups: int = setting(
        1,
        "Diverse beam search (arXiv:1610.02424): number of groups of hypotheses; must divide the beam size.",
        option=True,
        ge=1,
        le=1024,
    )
    diversity: float = setting(
        0.5,
        "Diversity strength of diverse beam search: penalty, in nats, for a token that another group chose in the same "
        "step.",
        option=True,
        ge=0.0,
        le=1000.0,
    )
    sample: bool = setting(
        False,
        "Sample translations from the predicted distribution instead of searching for the most probable one.",
        option=True,
    )
    temperature: float = setting(
        1.0, "Sampling temperature; below 1 sharpens the distribution.", option=True, gt=0.0, le=1000.0
    )
    top_k: int = setting(
        0, "Top-k sampling: sample only from the k most probable tokens; 0 means all tokens.", option=True, ge=0
    )
    top_p: float = setting(
        1.0,
        "Nucleus sampling (top-p): sample from the smallest set of most probable tokens whose total probability "
        "reaches this value; 1 means all tokens.",
        option=True,
        gt=0.0,
        le=1.0,
    )
    mbr: int = setting(
        0,
        "Minimum Bayes risk decoding (arXiv:2005.10283): sample this many translations and return the one that is most "
        "similar to the others; 0 turns it off. The score is the mean similarity, 0 to 100. temperature, top_k and "
        "top_p apply.",
        option=True,
        data_only=True,
        ge=0,
        le=1024,
    )
    mbr_utility: MBRUtility = setting(
        "auto",
        "Similarity in minimum Bayes risk decoding: chrf; edit, by edit distance of tokens if the target is "
        "pretokenized, otherwise of characters; or auto, edit for a pretokenized target and chrf for all others.",
        option=True,
        data_only=True,
    )
    seed: int = setting(
        1,
        "Random seed of sampling. A sample depends on the seed, its text and its number in the n-best list, not on "
        "other texts.",
        option=True,
        data_only=True,
        ge=0,
        lt=2**31,
    )
    no_repeat_ngram_size: int = setting(
        0,
        "N-gram blocking: never repeat an n-gram of this length, in tokens; 0 turns it off.",
        option=True,
        ge=0,
        le=1000,
    )
    min_length: int = setting(0, "Minimum length of a translation, in tokens.", option=True, ge=0, le=MAX_TEXT_LENGTH)
    max_length: int | None = setting(
        None,
        "Maximum length of a translation, in tokens, including END. By default, the limit "
        "depends on the training pairs and the length of the source.",
        option=True,
        data_only=True,
        ge=1,
        le=MAX_TEXT_LENGTH,
    )

    split_sentences: SplitMode = setting(
        "auto",
        "Split a text at the ends of its sentences and translate each separately: auto, if it has more sentences than "
        "the training sources usually have; always; or never, which splits only texts that are too long to translate "
        "at once.",
        option=True,
        data_only=True,
    )

    @property
    def constraints(self) -> ConstraintSettings:
        """Only the constraints, as a hashable object."""
        return ConstraintSettings(**{name: getattr(self, name) for name in ConstraintSettings.model_fields})

    def program_key(self) -> "SearchSettings":
        """Return a copy with every `data_only` setting at its default.

        Searches with equal keys run the same compiled program on different arrays.
        """
        defaults = {each.name: each.field.default for each in settings_in(type(self)) if each.data_only}
        return self.model_copy(update=defaults)

    def _differs(self, name: str) -> bool:
        return getattr(self, name) != type(self).model_fields[name].default

    @model_validator(mode="after")
    def _search_is_possible(self) -> Self:
        if self.sample and self.beam > 1:
            raise ValueError(
                f"sample excludes beam search, received: sample=True, beam={self.beam}; choose one of them"
            )
        for names, needed, is_set in _NEEDED:
            if not is_set(self) and (unused := [name for name in names if self._differs(name)]):
                shown = {name: getattr(self, name) for name in unused}
                values = ", ".join(
                    f"{name}={value!r}" if isinstance(value, str) else f"{name}={value:g}"
                    for name, value in shown.items()
                )
                raise ValueError(f"{' and '.join(unused)} without effect, received: {values}; {needed}")
        if self.max_length is not None and self.min_length > self.max_length:
            raise ValueError(
                f"min_length must not exceed max_length, received: min_length={self.min_length}, "
                f"max_length={self.max_length}"
            )
        if self.mbr and (self.sample or self.beam > 1):
            raise ValueError(
                f"mbr excludes sample and beam search, received: mbr={self.mbr}, sample={self.sample}, "
                f"beam={self.beam}; choose one of them"
            )
        if self.mbr and self.n_best > self.mbr:
            raise ValueError(f"n_best must not exceed mbr, received: n_best={self.n_best}, mbr={self.mbr}")
        if not self.sample and not self.mbr and self.n_best > self.beam:
            raise ValueError(f"n_best must not exceed the beam size, received: n_best={self.n_best}, beam={self.beam}")
        if self.beam % self.groups:
            raise ValueError(f"groups must divide the beam size, received: groups={self.groups}, beam={self.beam}")
        if self.groups > 1 and self.require:
            raise ValueError("groups and require cannot be combined, since both partition the beam; choose one of them")
        if self.coverage_penalty and self.beam == 1:
            raise ValueError("coverage_penalty requires beam search, received: beam=1; use a beam of 2 or more")
        if self.split_sentences == "always" and self.constraints != ConstraintSettings():
            raise ValueError(
                "constraints apply to the whole output, so constrained texts are not split; received: "
                "split_sentences='always' and a constraint; choose one of them"
            )
        return self


_NEEDED: tuple[tuple[tuple[str, ...], str, Callable[[SearchSettings], bool]], ...] = (
    (
        ("temperature", "top_k", "top_p"),
        "set sample to True or mbr, or remove them",
        lambda settings: settings.sample or settings.mbr > 0,
    ),
    (("mbr_utility",), "set mbr, or remove it", lambda settings: settings.mbr > 0),
    (("diversity",), "set groups to 2 or more, or remove it", lambda settings: settings.groups > 1),
)
"""Settings without effect unless another one is set: their names, what to do, and whether it is set."""


def stored_search(values: Mapping[str, Any]) -> SearchSettings:
    """Return search settings that a model file may store.

    Args:
        values: values of `beam` and `length_penalty`, by name.

    Raises:
        SettingsError: if another name is given, or a value is invalid.
    """
    names = [setting.name for setting in settings_in(SearchSettings) if setting.stored]
    if others := sorted(set(values) - set(names)):
        raise SettingsError(
            f"a model file stores the search settings {', '.join(names)}, received: {', '.join(map(brief, others))}."
        )
    return validated(SearchSettings, values)


def with_stored(options: Mapping[str, Any], stored: SearchSettings) -> SearchSettings:
    """Return the settings of a search: explicit options, then the stored search of the model, then the defaults.

    An explicit option never contradicts a stored value. Unless `beam` is explicit, it is 1 for sampling and minimum
    Bayes risk decoding; otherwise the stored beam, widened to `n_best`, to `BEAM_WITH_REQUIRE` if texts are required,
    and to a multiple of `groups`.

    Args:
        options: the explicit search settings by name.
        stored: the search of the model; see `stored_search`.

    Raises:
        SettingsError: if an option is unknown or out of range, or two options exclude each other.
    """
    values = {setting.name: getattr(stored, setting.name) for setting in settings_in(SearchSettings) if setting.stored}
    values |= options
    if "beam" not in options:
        values["beam"] = _default_beam(options, stored.beam)
    return validated(SearchSettings, values)


def _default_beam(options: Mapping[str, Any], stored: int) -> int:
    if options.get("sample") or options.get("mbr"):
        return 1
    required = BEAM_WITH_REQUIRE if options.get("require") else 1
    groups = _size(options, "groups")
    return -(-max(stored, required, _size(options, "n_best")) // groups) * groups


def _size(options: Mapping[str, Any], name: str) -> int:
    """Return an option that is a size; 1 if it is not set, or is invalid, which validation reports."""
    value = options.get(name)
    return value if isinstance(value, int) and 1 <= value <= MAX_BEAM else 1
