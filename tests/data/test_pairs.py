"""Pairs: a sequence with references and a fingerprint."""

import hashlib

from passerelle.data.checking import check_pairs
from passerelle.data.pair_files import write_pairs
from passerelle.data.pairs import Pair, Pairs, references
from passerelle.data.reading import read_pairs

ROWS = [("Go.", "Va\u202f!"), ("Run!", "Cours !"), ("Go.", "Marche."), ("Hi.", "Salut\u00a0!")]


def test_pairs_are_a_sequence():
    pairs = check_pairs(ROWS)
    assert pairs[1] == Pair("Run!", "Cours !")
    assert (pairs[1].source, pairs[1].target) == ("Run!", "Cours !")
    assert list(pairs[1:3]) == ROWS[1:3]
    assert isinstance(pairs[:2], Pairs)
    assert pairs[-1] == ROWS[-1]
    assert list(pairs.sources) == [row[0] for row in ROWS]
    assert ROWS[0] in pairs


def test_references_are_distinct_and_in_order():
    pairs = check_pairs([("b", "1"), ("a", "2"), ("b", "3"), ("b", "1"), ("a", "0")])
    assert list(references(pairs).items()) == [(("b", ""), ["1", "3"]), (("a", ""), ["2", "0"])]


def test_the_fingerprint_is_the_hash_of_the_written_file(tmp_path):
    pairs = check_pairs(ROWS)
    write_pairs(tmp_path / "out.tsv", pairs)
    assert pairs.fingerprint() == hashlib.sha256((tmp_path / "out.tsv").read_bytes()).hexdigest()
    assert read_pairs(tmp_path / "out.tsv").fingerprint() == pairs.fingerprint()


def test_different_data_has_different_fingerprints():
    prints = {
        check_pairs(rows).fingerprint()
        for rows in (ROWS, ROWS[::-1], ROWS[:3], [(target, source) for source, target in ROWS], [("a", "\ud800")])
    }
    assert len(prints) == 5
