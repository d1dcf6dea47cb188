"""Mixing old pairs into each epoch of new ones, against forgetting (rehearsal)."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

__all__ = ["Mixture"]

STREAM = 3
"""Number of the random stream of the old pairs; batches use others with the same seed."""


@dataclass(frozen=True)
class Mixture:
    """The rows of each epoch: all new pairs, and a sample of old ones, which is another one in each epoch.

    The old pairs are taken in the order of random permutations, one after the other. So no old pair is repeated before
    all of them were used, and an epoch depends only on the seed and its number.

    Attributes:
        new: number of new pairs, the first rows.
        old: number of old pairs, the rows after them, at least one.
        share: share of the pairs of an epoch that are old, above 0 and below 1.
    """

    new: int
    old: int
    share: float

    @cached_property
    def old_per_epoch(self) -> int:
        """Number of old pairs in an epoch, at least one."""
        return max(1, round(self.new * self.share / (1.0 - self.share)))

    def rows(self, seed: int, epoch: int) -> np.ndarray:
        """Return the rows of an epoch, int64 (new + old_per_epoch,).

        Args:
            seed: seed of the sample.
            epoch: number of the epoch, from 1; 0 is the same as 1.
        """
        begin = (max(epoch, 1) - 1) * self.old_per_epoch
        places = np.arange(begin, begin + self.old_per_epoch)
        passes, within = np.divmod(places, self.old)
        sampled = [
            np.random.default_rng((seed, int(number), STREAM)).permutation(self.old)[within[passes == number]]
            for number in np.unique(passes)
        ]
        return np.concatenate([np.arange(self.new), self.new + np.concatenate(sampled)])
