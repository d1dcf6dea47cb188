"""Clauses: subject, verb and complement, in both languages, as a statement, negation or question in a tense."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Protocol

from . import english as en
from . import french as fr
from .conjugation import conjugate
from .subjects import Reading, Subject
from .verbs import Verb

__all__ = ["NO_COMPLEMENT", "Clause", "Complement", "FixedComplement", "Form", "Tense", "TenseForm"]

Tense = Literal["present", "habit", "past", "future", "going to", "want to", "can", "must"]
"""The tense or the modal.

"present": present progressive, or simple present of stative verbs; "habit": simple present; "past": simple past and
passé composé; "future": "will" and futur simple; "going to": aller + infinitive. Modals are in the present.
"""

Form = Literal["statement", "negative", "question", "never", "often"]

TenseForm = tuple[Tense, Form]
"""The tense and form of a sentence; patterns sample from lists of them."""

_MODALS = {"going to": "aller", "want to": "vouloir", "can": "pouvoir", "must": "devoir"}
_REFLEXIVE = ("me", "te", "se", "nous", "vous", "se")
_ADVERBS = {"negative": "pas", "never": "jamais", "often": "souvent"}


class Complement(Protocol):
    """The complement of a verb, such as a noun phrase."""

    @property
    def lemmas(self) -> tuple[str, ...]:
        """The lemmas that may be part of a held-out combination."""
        ...

    def english(self, subject: Subject | None = None) -> str:
        """Return the English text; `subject` is the owner if the determiner is "own"."""
        ...

    def french(self, reading: Reading | None = None, *, negated: bool = False, after_de: bool = False) -> str:
        """Return the French text.

        Args:
            reading: the reading of the subject, for agreement and possessives.
            negated: whether the verb is negated.
            after_de: whether the complement follows a particle that ends in "de".
        """
        ...


@dataclass(frozen=True)
class FixedComplement:
    """A complement that does not depend on the subject."""

    english_text: str
    french_text: str
    lemmas: tuple[str, ...] = ()

    def english(self, subject: Subject | None = None) -> str:
        """Return the English text."""
        return self.english_text

    def french(self, reading: Reading | None = None, *, negated: bool = False, after_de: bool = False) -> str:
        """Return the French text."""
        return self.french_text


NO_COMPLEMENT = FixedComplement("", "")


@dataclass(frozen=True)
class Clause:
    """A sentence in abstract form; `source` and `targets` generate its texts.

    Attributes:
        adverb: English and French text at the end.
        clitic: French object pronoun, which precedes the verb.
        opening: English and French question words, such as ("why", "pourquoi").
    """

    subject: Subject
    verb: Verb
    complement: Complement = NO_COMPLEMENT
    tense: Tense = "present"
    form: Form = "statement"
    adverb: tuple[str, str] = ("", "")
    clitic: str = ""
    opening: tuple[str, str] = ("", "")

    @property
    def source(self) -> str:
        """The English sentence."""
        auxiliary, main = self._english_verb()
        subject = self.subject.english
        rest = f"{main} {self.complement.english(self.subject)} {self.adverb[0]}"
        if self.form == "question":
            return en.sentence(_join(self.opening[0], auxiliary, subject, rest), "?")
        if self.form == "negative":
            # "cannot" is one word.
            return en.sentence(_join(subject, auxiliary + ("not" if auxiliary == "can" else " not"), rest))
        if self.form in ("never", "often"):
            return en.sentence(_join(subject, auxiliary, self.form, rest))
        return en.sentence(_join(subject, auxiliary, rest))

    @property
    def targets(self) -> tuple[str, ...]:
        """All French translations, in the order of the subject's readings."""
        return tuple(dict.fromkeys(self._french(reading) for reading in self.subject.readings))

    @property
    def lemmas(self) -> tuple[str, ...]:
        """The lemmas of subject, verb and complement, and "want" for "want to", because "want" also takes objects."""
        modal = ("want",) if self.tense == "want to" else ()
        return (*self.subject.lemmas, *modal, self.verb.english, *self.complement.lemmas)

    def _english_verb(self) -> tuple[str, str]:
        """Return the auxiliary, which may be empty, and the main verb."""
        verb, tense = self.verb, self.tense
        base = verb.english_form("base")
        do_support = self.form in ("negative", "question")
        third = self.subject.agreement == "it"
        be = en.BE[self.subject.agreement]
        if tense == "future":
            return "will", base
        if tense in ("can", "must"):
            return tense, base
        if tense == "going to":
            return be, f"going to {base}"
        does = "does" if third else "do"
        if tense == "want to":
            return (does, f"want to {base}") if do_support else ("", f"{'wants' if third else 'want'} to {base}")
        head, _, particle = base.partition(" ")
        if head == "be":
            if tense != "past":
                return be, particle
            if not verb.past:
                raise ValueError(f"{base!r} has no past in this grammar, because its French tense would be ambiguous.")
            return "were" if self.subject.agreement == "they" else "was", particle
        if tense == "present" and not verb.stative:
            return be, verb.english_form("ing")
        if tense == "past":
            return ("did", base) if do_support else ("", verb.english_form("past"))
        return (does, base) if do_support else ("", verb.english_form("third" if third else "base"))

    def _french(self, reading: Reading) -> str:
        finite, tail, clitic_on_tail = self._french_verb(reading)
        clitic = _REFLEXIVE[reading.person] if self.verb.reflexive else self.clitic
        adverb = _ADVERBS.get(self.form, "")
        negated = self.form in ("negative", "never")
        particle = self.verb.particle
        words = fr.compose(
            self.opening[1],
            "est-ce que" if self.form == "question" else "",
            reading.french,
            "ne" if negated else "",
            "" if clitic_on_tail else clitic,
            finite,
            adverb,
            clitic if clitic_on_tail else "",
            tail,
            particle,
            self.complement.french(reading, negated=negated, after_de=particle.endswith("de")),
            self.adverb[1],
        )
        return fr.sentence(words, "?" if self.form == "question" else ".")

    def _french_verb(self, reading: Reading) -> tuple[str, str, bool]:
        """Return the finite verb, its participle or infinitive, and whether a clitic precedes that infinitive."""
        forms = self.verb.conjugation
        if self.tense in _MODALS:
            return conjugate(_MODALS[self.tense]).present[reading.person], forms.infinitive, True
        if self.tense == "future":
            return forms.future[reading.person], "", False
        if self.tense == "past":
            if forms.with_etre or self.verb.reflexive:
                participle = fr.agree(forms.participle, reading.gender, reading.plural)
                return conjugate("être").present[reading.person], participle, False
            return conjugate("avoir").present[reading.person], forms.participle, False
        return forms.present[reading.person], "", False


def _join(*parts: str) -> str:
    return " ".join(" ".join(parts).split())
