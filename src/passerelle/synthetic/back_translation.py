"""Back-translation: a reverse model writes sources for target texts without sources.

Sennrich, Haddow and Birch 2016, arXiv:1511.06709. Deviation: the sources are those of the model's stored search or of
the search that is set, so also of a beam; the paper uses a beam of 12.
"""

import math
from collections.abc import Iterable

from passerelle.data.pairs import Pairs
from passerelle.preparation import source_key
from passerelle.settings import Settings, SyntheticSettings
from passerelle.synthetic.block_translation import Journal, Text, write
from passerelle.synthetic.mixture import add_synthetic
from passerelle.synthetic.writer import Writer

__all__ = ["back_translated"]


def back_translated(
    training: Pairs,
    held_out: Pairs,
    reverse: Writer,
    targets: Iterable[Text],
    settings: Settings,
    synthetic: SyntheticSettings,
    *,
    ends: float = math.inf,
    journal: Journal | None = None,
) -> Pairs:
    """Return training pairs: those with references, and pairs of a synthetic source and a given target.

    Args:
        training: the training pairs of the split.
        held_out: the validation pairs. Their targets are not translated, and synthetic sources that are the same as
            theirs are left out.
        reverse: the reverse model, or an ensemble.
        targets: texts of the target language, with their tags.
        settings: settings of the model that is going to be trained.
        synthetic: settings of the synthetic pairs.
        ends: see `write`.
        journal: see `write`.

    Raises:
        DataError: if no training pair remains.
        SettingsError: if only the reverse model or only the pairs have tags.
    """
    reverse.require_tags_of(settings, "the reverse model")
    key = source_key(settings.source)
    held_out_keys, held_out_targets = set(map(key, held_out.sources)), set(held_out.targets)
    given = dict.fromkeys(text for text in targets if text[0].strip())
    texts = [text for text in given if text[0] not in held_out_targets]
    written = write(reverse, texts, seed=settings.training.seed, ends=ends, journal=journal)
    usable = [(written[target, tags], target, tags) for target, tags in texts if written.get((target, tags))]
    rows = [row for row in usable if key(row[0]) not in held_out_keys]
    facts = {
        "method": "back-translation",
        "reverse_models": reverse.to_json(),
        "search": reverse.search_json(),
        "targets": len(given),
        "left_out_validation": len(given) - len(texts) + len(usable) - len(rows),
        "left_out_time": len(texts) - len(written),
        "left_out_unusable": len(written) - len(usable),
    }
    return add_synthetic(training, rows, synthetic, facts)
