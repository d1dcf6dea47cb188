"""The made pairs of the copying benchmark."""

import pytest

from copying import STRANGE, made_pairs


@pytest.mark.parametrize("level", ["word", "character"])
def test_no_name_is_known(level: str) -> None:
    training, test = made_pairs(level, 500, 100)
    assert (len(training), len(test)) == (500, 100)
    seen = {word for source, _ in training for word in source.split()}
    for source, target in test:
        name = target.split()[1]
        assert name in source.split()
        assert name not in seen
    assert set("".join(source for source, _ in training)).isdisjoint(STRANGE)
    strange = sum(any(letter in target.split()[1] for letter in STRANGE) for _, target in test)
    assert (strange > 50) == (level == "character")
