"""Settings of a search for translations, and of the constraints on what it may write."""

from typing import ClassVar, Self

from pydantic import model_validator

from passerelle.settings.schema import Section, setting, settings_in
from passerelle.settings.text import MAX_TEXT_LENGTH

__all__ = ["ConstraintSettings", "SearchSettings"]


class ConstraintSettings(Section):
    """Constraints on every translation. All of them hold together."""

    group: ClassVar[str] = "Search"

    prefix: str = setting("", "Text that every translation begins with.", option=True, data_only=True)
    require: tuple[str, ...] = setting(
        (), "Texts that every translation contains.", option=True, data_only=True, strict=False
    )
    forbid: tuple[str, ...] = setting(
        (), "Texts that no translation contains.", option=True, data_only=True, strict=False
    )
    lexicon: tuple[str, ...] = setting(
        (), "The only translations allowed.", option=True, data_only=True, from_file=True, strict=False
    )
    pattern: str | None = setting(
        None, 'Regular expression that every translation matches as a whole, such as "[0-9]{4}-[0-9]{2}".',
        option=True, data_only=True,
    )  # fmt: skip
    grammar: str | None = setting(
        None,
        "File of named patterns, one NAME = PATTERN per line; (?&NAME) refers to a pattern, and main is the whole "
        "translation.",
        option=True,
        data_only=True,
    )


class SearchSettings(ConstraintSettings):
    """The search for translations."""

    beam: int = setting(1, "Beam size: hypotheses kept per step; 1 is greedy search.", option=True, ge=1, le=1024)
    n_best: int = setting(
        1, "Number of translations of each text: at most the beam size, or the number of samples.", ge=1, le=1024
    )
    # Wu et al. 2016, section 7.
    length_penalty: float = setting(
        0.6,
        "Exponent of the length penalty for comparing finished translations (arXiv:1609.08144, section 7); 0 compares "
        "log probabilities, which favors short ones.",
        option=True,
        ge=0.0,
        le=10.0,
    )
    coverage_penalty: float = setting(
        0.0,
        "Weight of the coverage penalty for source tokens without attention (beta of arXiv:1609.08144); needs a beam "
        "and attention.",
        option=True,
        ge=0.0,
        le=10.0,
    )
    # Vijayakumar et al. 2016.
    groups: int = setting(
        1,
        "Number of groups in diverse beam search (arXiv:1610.02424); must divide the beam size.",
        option=True,
        ge=1,
        le=1024,
    )
    diversity: float = setting(
        0.5,
        "Strength of diverse beam search: penalty in nats for a token that another group chose in the same step.",
        option=True,
        ge=0.0,
        le=1000.0,
    )
    sample: bool = setting(False, "Sample tokens by their probabilities instead of searching.", option=True)
    temperature: float = setting(
        1.0, "Sampling temperature; below 1 sharpens the distribution.", option=True, gt=0.0, le=1000.0
    )
    top_k: int = setting(0, "Sample from this many most probable tokens; 0 means all.", option=True, ge=0)
    top_p: float = setting(
        1.0,
        "Sample from the smallest set of most probable tokens with this total probability (nucleus sampling).",
        option=True,
        gt=0.0,
        le=1.0,
    )
    seed: int = setting(
        1,
        "Random seed of sampling. A sample depends on the seed, its text and its number, not on other texts.",
        option=True,
        data_only=True,
        ge=0,
        lt=2**31,
    )
    no_repeat_ngram_size: int = setting(
        0, "Never repeat an n-gram of this length, in tokens; 0 allows all.", option=True, ge=0, le=1000
    )
    min_length: int = setting(0, "Minimum length in tokens.", option=True, ge=0, le=MAX_TEXT_LENGTH)
    max_length: int | None = setting(
        None,
        "Maximum length in tokens, END included. Without it, a limit learned in training.",
        option=True,
        data_only=True,
        ge=1,
        le=MAX_TEXT_LENGTH,
    )

    @property
    def constraints(self) -> ConstraintSettings:
        """The constraints only, as a hashable object."""
        return ConstraintSettings(**{name: getattr(self, name) for name in ConstraintSettings.model_fields})

    def program_key(self) -> "SearchSettings":
        """Return these settings with every `data_only` setting at its default.

        Searches with equal keys run the same compiled program on other arrays. Whether phrases are required is not
        part of the key, since `require` is data.
        """
        defaults = {one.name: one.field.default for one in settings_in(type(self)) if one.data_only}
        return self.model_copy(update=defaults)

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
