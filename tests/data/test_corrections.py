"""Corrections: written and read again exactly, appended after a crash, malformed rows by number."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import passerelle
from passerelle.data.corrections import Correction, corrections_as_pairs, read_corrections, write_corrections

TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=20)
FILLED = TEXT.filter(lambda text: text.strip())


@settings(max_examples=100, deadline=None)
@given(st.lists(st.builds(Correction, FILLED, FILLED, TEXT, TEXT, TEXT), min_size=1, max_size=5), st.booleans())
def test_read_as_written(tmp_path_factory, corrections, append):
    path = tmp_path_factory.mktemp("corrections") / "c.tsv"
    write_corrections(path, corrections)
    if append:
        write_corrections(path, corrections, append=True)
    assert read_corrections(path) == (2 if append else 1) * corrections


def test_columns_may_be_missing_and_so_may_the_header(tmp_path):
    path = tmp_path / "c.tsv"
    path.write_bytes(b"a\\tb\tc\\nd\\\\n\r\n\ne\tf\t\teng-fra\n")
    assert read_corrections(path) == [Correction("a\tb", "c\nd\\n"), Correction("e", "f", "", "eng-fra")]
    path.write_text("source\ttarget\twritten\na\tb\tc\n")
    assert read_corrections(path) == [Correction("a", "b", "c")]
    write_corrections(tmp_path / "new.tsv", [Correction("a", "b")], append=True)
    assert (tmp_path / "new.tsv").read_text() == "source\ttarget\twritten\ttags\tdate\na\tb\t\t\t\n"


def test_an_incomplete_line_is_not_continued(tmp_path):
    path = tmp_path / "c.tsv"
    write_corrections(path, [Correction("a", "b")])
    with open(path, "a") as stream:
        stream.write("torn")
    write_corrections(path, [Correction("c", "d")], append=True)
    with pytest.raises(passerelle.DataError, match=r"c\.tsv: row 3: no tab between source and corrected target\. "):
        read_corrections(path)
    path.write_text(path.read_text().replace("torn\n", ""))
    assert len(read_corrections(path)) == 2


def test_malformed_rows_are_listed_by_number(tmp_path):
    path = tmp_path / "c.tsv"
    path.write_text("a\tb\n c\t\nd\\x\te\nf\tg\\\n1\t2\t3\t4\t5\t6\nalone\n")
    with pytest.raises(passerelle.DataError) as error:
        read_corrections(path)
    assert str(error.value).startswith(
        f"{path}: row 2: the target is empty; row 3: unknown escape '\\\\x' in the source; row 4: unknown escape "
        "'\\\\' in the target; row 5: 6 columns, and at most 5 are allowed; row 6: "
        "no tab between source and corrected target."
    )
    path.write_text("source\ttarget\n\n")
    with pytest.raises(passerelle.DataError, match="contains no corrections"):
        read_corrections(path)
    with pytest.raises(passerelle.DataError, match="lone surrogate"):
        write_corrections(path, [Correction("a", "\ud800")])


def test_pairs_of_corrections():
    pairs = corrections_as_pairs([Correction("a", "b", tags="x")], tagged=True)
    assert list(pairs.rows()) == [("a", "b", "x")]
    assert corrections_as_pairs([Correction("a", "b", tags="x")], tagged=False).tags is None
    for wrong in ([("a", "b")], [], [Correction("a", " ")], [Correction("a", 1)]):  # pyright: ignore
        with pytest.raises(passerelle.DataError):
            corrections_as_pairs(wrong, tagged=False)  # pyright: ignore
