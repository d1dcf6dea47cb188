"""Preparation of a training: check, split and encode pairs, build vocabularies, read word vectors.

stages         `prepare`, which calls the other modules in order
splitting      training pairs and validation pairs
resolution     settings that depend on the pairs: preset, outputs, levels, embedding widths
vectors        pretrained word vectors by field, and their extra words
encoded_pairs  pairs with their ids and lengths
prepared       the result, and facts about it
"""

from passerelle.preparation.prepared import Prepared
from passerelle.preparation.splitting import Validation, source_key, split
from passerelle.preparation.stages import prepare

__all__ = ["Prepared", "Validation", "prepare", "source_key", "split"]
