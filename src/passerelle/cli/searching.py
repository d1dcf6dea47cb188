"""What a search is told on the command line, by translate and by evaluate alike."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

if TYPE_CHECKING:
    from passerelle.config import SearchOptions
    from passerelle.translator import Translator

__all__ = ["Together", "Wishes"]

Flag = Annotated[bool, Parameter(negative=())]
Many = Annotated[tuple[str, ...], Parameter(negative=(), show_default=False)]

REQUIRING_BEAM = 5
"""Slots where phrases are required: one alone would leave them to the end."""


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class Together:
    """Models that are asked together.

    Parameters
    ----------
    with_
        Another model with the same vocabularies, asked together with MODEL: in each step the mean of their
        probabilities counts. May be given several times.
    weights
        How much each model counts, MODEL first, for example 2,1,1; by default all the same.
    mean
        Of probabilities (arithmetic), or of their logarithms (geometric): then all models must find a token likely.
    """

    with_: Annotated[tuple[str, ...], Parameter(name="--with", negative=(), show_default=False)] = ()
    weights: str | None = None
    mean: str = "arithmetic"

    def load(self, model: str) -> "Translator":
        """The model, and the others with it."""
        from passerelle.errors import SettingsError
        from passerelle.translator import Translator

        weights = None
        if self.weights is not None:
            try:
                weights = [float(weight) for weight in self.weights.split(",")]
            except ValueError:
                raise SettingsError(f"--weights takes numbers such as 2,1,1, received: {self.weights!r}") from None
        others = [Translator.load(path) for path in self.with_]
        return Translator.load(model).together_with(others, weights=weights, mean=self.mean)  # pyright: ignore[reportArgumentType]


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class Wishes:
    """How translations are looked for, and what they must be.

    Parameters
    ----------
    beam
        Beginnings followed side by side, by default as many as --n-best; 1 takes the likeliest token in each step.
    length_penalty
        Of the length penalty by which translations of one text are compared, by default 0.6; 0 prefers short ones.
    coverage_penalty
        How much it counts against a translation that it did not look at parts of its text; with a beam, 0.2 or so.
    groups
        Shares of the beam that avoid each other's choices, so that the best differ.
    diversity
        How strongly they do.
    sample
        Draw translations by their probabilities instead of looking for the likeliest.
    temperature
        Of the draws: below 1 the likely become likelier.
    top_k
        Draw from so many of the likeliest tokens.
    top_p
        Draw from the fewest likeliest tokens that have this share of all probability.
    seed
        Of the draws: the same one gives the same translations, whatever the other texts.
    no_repeat_ngram_size
        Write no so many tokens in a row twice.
    min_length
        Write at least so many tokens.
    max_length
        Write at most so many, the end counted; by default a limit learned in training.
    prefix
        Begin every translation with this.
    require
        Every translation holds this somewhere. May be given several times.
    forbid
        No translation holds this. May be given several times.
    lexicon
        A file of texts, one a line: only these may be written.
    pattern
        A regular expression that every whole translation matches, such as "[0-9]{4}-[0-9]{2}".
    grammar
        A file of named patterns, NAME = PATTERN a line, where (?&NAME) stands for one and main is the whole.
    """

    beam: int | None = None
    length_penalty: float | None = None
    coverage_penalty: float | None = None
    groups: int | None = None
    diversity: float | None = None
    sample: Flag = False
    temperature: float | None = None
    top_k: int | None = None
    top_p: float | None = None
    seed: int | None = None
    no_repeat_ngram_size: int | None = None
    min_length: int | None = None
    max_length: int | None = None
    prefix: str | None = None
    require: Many = ()
    forbid: Many = ()
    lexicon: str | None = None
    pattern: str | None = None
    grammar: str | None = None

    def options(self, n_best: int = 1) -> "SearchOptions":
        """Those that were given, checked.

        Raises:
            DataError: if the lexicon cannot be read.
            SettingsError: if an option is out of range, or two do not go together.
        """
        from passerelle.config import SearchSettings, validated
        from passerelle.data.files import read_lines
        from passerelle.errors import DataError

        given: Any = {name: value for name, value in vars(self).items() if value is not None and value is not False}
        if self.lexicon is not None:
            given["lexicon"] = tuple(line for line in read_lines(self.lexicon) if line.strip())
            if not given["lexicon"]:
                raise DataError(f"{self.lexicon} holds no text that may be written. Write one a line.")
        if self.beam is None and not self.sample:
            given["beam"] = max(n_best, REQUIRING_BEAM if self.require else 1)
        validated(SearchSettings, {**given, "n_best": n_best})
        return given
