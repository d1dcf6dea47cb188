"""Translation memories: languages, formatting codes, encodings, and malicious files."""

from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from passerelle.data.readers.row import Row
from passerelle.data.readers.tmx import read_tmx
from passerelle.data.reading import read_pairs
from passerelle.errors import DataError

MEMORY = """<?xml version="1.0" encoding="{encoding}"?>
<!DOCTYPE tmx SYSTEM "tmx14.dtd">
<tmx version="1.4"><header srclang="en" datatype="html"><note>No <![CDATA[text]]>.</note></header><body>
<tu tuid="1"><prop type="x">not this</prop>
 <tuv xml:lang="EN-gb"><seg>The <bpt i="1">&lt;b></bpt>big<ept i="1">&lt;/b></ept> <hi>cat</hi>
 &amp; <ph>{{img<sub>its text</sub>}}</ph>dog</seg></tuv>
 <tuv lang="fr_FR"><seg>Le gros chat et le chien</seg></tuv>
</tu>
<tu><tuv xml:lang="de"><seg>Hund</seg></tuv><tuv xml:lang="fr-ca"><seg>chien é</seg></tuv></tu>
<tu>
 <tuv xml:lang="fr-CA"><seg>pluie<it pos="begin">x</it></seg></tuv><tuv xml:lang="en"><seg>rain</seg></tuv>
 <tuv xml:lang="en-GB"><seg>drizzle</seg></tuv><tuv xml:lang="en"><seg>twice</seg></tuv></tu>
<tu><tuv xml:lang="en"><seg/></tuv><tuv xml:lang="fr"><seg>vide</seg></tuv></tu>
</body></tmx>
"""
CAT = ("The big cat\n & dog", "Le gros chat et le chien")
OTHER_LANGUAGE = "not in both languages"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "memory.tmx"
    path.write_text(MEMORY.format(encoding="UTF-8"), encoding="utf-8")
    return path


@pytest.mark.parametrize("encoding", ["UTF-8", "UTF-16", "ISO-8859-1", "windows-1252"])
def test_units_in_two_languages(path: Path, encoding: str) -> None:
    path.write_text(MEMORY.format(encoding=encoding), encoding=encoding)
    assert list(read_tmx(path, ["en", "fr"])) == [
        Row(4, *CAT),
        Row(9, None, None, skipped=OTHER_LANGUAGE),
        Row(10, "rain", "pluie"),
        Row(13, "", "vide"),
    ]
    assert [(row.source, row.target) for row in read_tmx(path, ["EN_GB", "fr"])][2] == ("drizzle", "pluie")
    assert [row.source for row in read_tmx(path, ["fr-ca", "de"])] == [None, "chien é", None, None]


def test_the_first_two_languages_are_the_default(path: Path) -> None:
    pairs = read_pairs(path)
    assert (list(pairs), pairs.blank, pairs.skipped) == ([CAT, ("rain", "pluie")], 1, {OTHER_LANGUAGE: 1})
    path.write_text(path.read_text(encoding="utf-8").replace("fr", "en-US"), encoding="utf-8")
    assert [row.source for row in read_tmx(path)] == [CAT[0], None, None, None], "the same language with two countries"


TEXT = st.text(st.characters(exclude_categories=["Cs", "Cc", "Co", "Cn"], include_characters="\n\t&<>]\"'"))


@settings(max_examples=60, deadline=None)
@given(rows=st.lists(st.tuples(TEXT, TEXT), min_size=1), encoding=st.sampled_from(["utf-8", "utf-16", "us-ascii"]))
def test_files_written_by_the_standard_library(tmp_path_factory: Any, rows: Any, encoding: str) -> None:
    path = tmp_path_factory.getbasetemp() / "written.tmx"
    root = ElementTree.Element("tmx")
    body = ElementTree.SubElement(root, "body")
    for row in rows:
        unit = ElementTree.SubElement(body, "tu")
        for language, text in zip(("en", "fr"), row, strict=True):
            variant = ElementTree.SubElement(unit, "tuv", {"xml:lang": language})
            ElementTree.SubElement(variant, "seg").text = text
    ElementTree.ElementTree(root).write(path, encoding=encoding, xml_declaration=True)
    assert [(row.source, row.target) for row in read_tmx(path)] == rows


BOMB = """<?xml version="1.0"?><!DOCTYPE tmx [<!ENTITY a "ha"><!ENTITY b "&a;&a;">]>
<tmx><body><tu><tuv xml:lang="en"><seg>&b;</seg></tuv></tu></body></tmx>"""
EXTERNAL_ENTITY = """<!DOCTYPE tmx [
<!ENTITY x SYSTEM "file:///etc/hostname">]><tmx><body/></tmx>"""


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (BOMB, ", line 1: entity 'a' is declared, which is not allowed (it can exhaust the RAM). Export the tr"),
        (EXTERNAL_ENTITY, ", line 2: entity 'x' is declared, "),
        (BOMB.replace('"ha"', "% 'x'"), ", line 1: "),
        ('<!DOCTYPE tmx SYSTEM "x.dtd"><tmx><tu><tuv><seg>&nbsp;', ", line 1: unknown entity &nbsp;. Write the char"),
        ("<tmx><tu>&nbsp;", ", line 1: undefined entity, column 10. Export the translation memory again, as"),
        ("<tmx>\n<body></tmx>", ", line 2: mismatched tag, column 9. Export"),
        ("<tmx>\n<body>", ", line 2: no element found, column 7. Export"),
        ("en\tfr\n", ", line 1: syntax error, column 1. Export"),
        ("<html/>", " is not TMX: its root element is <html>, not <tmx>. Export it as TMX."),
        (
            "<tmx><seg>\udce9</seg></tmx>",
            ", line 1: a byte (0xe9) is not UTF-8; it is probably WINDOWS-1252. Convert the file: iconv ",
        ),
    ],
    ids=lambda text: ascii(text[:20]),
)
def test_invalid_files(path: Path, content: str, message: str) -> None:
    path.write_bytes(content.encode(errors="surrogateescape"))
    with pytest.raises(DataError) as caught:
        list(read_tmx(path))
    assert str(caught.value).startswith(f"{path}{message}")
    assert len(str(caught.value).splitlines()) == 1


def test_missing_languages(path: Path) -> None:
    with pytest.raises(DataError) as caught:
        read_pairs(path, columns="en,fr-fx")
    assert str(caught.value) == (
        f"{path}: no text in language 'fr-fx'. Did you mean 'fr-fr'? Name the languages in `columns`: en,fr"
    )
    with pytest.raises(DataError) as caught:
        read_pairs(path, columns="en,de")
    assert f"({OTHER_LANGUAGE}: 4). Each unit needs" in str(caught.value)
    path.write_text('<tmx><body><tu><tuv xml:lang="en"><seg>a</seg></tuv></tu></body></tmx>')
    with pytest.raises(DataError) as caught:
        read_pairs(path)
    assert str(caught.value) == f"{path}: all texts are in one language, 'en'. Pairs need two languages."
