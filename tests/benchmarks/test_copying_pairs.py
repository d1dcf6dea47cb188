"""The generated pairs of the copying benchmark."""

import pytest

from copying import UNSEEN_CHARACTERS, generate_pairs


@pytest.mark.parametrize("level", ["word", "character"])
def test_names_in_test_pairs_are_unseen(level: str) -> None:
    training, test = generate_pairs(level, 500, 100)
    assert (len(training), len(test)) == (500, 100)
    seen = {word for source, _ in training for word in source.split()}
    for source, target in test:
        name = target.split()[1]
        assert name in source.split()
        assert name not in seen
    assert set("".join(source for source, _ in training)).isdisjoint(UNSEEN_CHARACTERS)
    unseen = sum(any(character in target.split()[1] for character in UNSEEN_CHARACTERS) for _, target in test)
    assert (unseen > 50) == (level == "character")
