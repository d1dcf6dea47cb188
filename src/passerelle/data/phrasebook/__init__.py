"""The phrasebook: a corpus of English and French sentences that a grammar generates, the same everywhere.

Nothing is stored and nothing is downloaded: a lexicon and some forty patterns make every sentence, with all
the translations that the grammar can give where English leaves something open ("You are sad."). Rows with the
same source are each other's references.

Conventions: the apostrophe is ASCII ('); French sets a NARROW NO-BREAK SPACE (U+202F) before "?" and "!";
English writes "is not" and "does not" in full; French questions begin with "est-ce que" or a question word;
the English past simple is the passé composé.

`train_and_held_out` keeps combinations of words apart, not rows: a model that scores well on its second part
has learned how sentences are made.
"""

from .grammar import phrasebook, phrases
from .held_out import held_out_combinations, is_held_out, train_and_held_out
from .phrase import Phrase

__all__ = ["Phrase", "held_out_combinations", "is_held_out", "phrasebook", "phrases", "train_and_held_out"]
