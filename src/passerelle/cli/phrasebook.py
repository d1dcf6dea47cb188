"""passerelle phrasebook"""

import sys

__all__ = ["phrasebook"]

PARTS = ("all", "train", "held-out")


def phrasebook(*, part: str = "all") -> None:
    """Print the built-in English-French pairs, separated by tabs.

    Parameters
    ----------
    part
        Part of the pairs: all; train; or held-out, sentences with word combinations that do not occur in train.
    """
    from passerelle.data.phrasebook import phrasebook as all_pairs
    from passerelle.data.phrasebook import train_and_held_out
    from passerelle.errors import SettingsError, did_you_mean

    if part not in PARTS:
        raise SettingsError(f"unknown part {part!r}.{did_you_mean(part, PARTS)}")
    pairs = all_pairs() if part == "all" else train_and_held_out()[PARTS.index(part) - 1]
    sys.stdout.writelines(f"{source}\t{target}\n" for source, target in pairs)
