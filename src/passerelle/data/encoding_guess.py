"""Guess the encoding of text that is not UTF-8, from a sample."""

from collections.abc import Iterator
from typing import NamedTuple

__all__ = ["guess_encoding"]

_ENOUGH = 0.75
"""Minimum share of letters that fit a language; below it, charset-normalizer decides."""

_SCORED_BYTES = 1 << 12
"""Bytes of lines that are compared with alphabets."""

_ENCODINGS = {
    "cp1252": "WINDOWS-1252",
    "cp1251": "WINDOWS-1251",
    "cp1250": "WINDOWS-1250",
    "cp932": "CP932",
    "euc_jp": "EUC-JP",
    "gb18030": "GB18030",
    "big5": "BIG5",
    "cp949": "CP949",
    "cp1253": "WINDOWS-1253",
    "cp1254": "WINDOWS-1254",
    "cp1255": "WINDOWS-1255",
    "cp1256": "WINDOWS-1256",
    "cp1257": "WINDOWS-1257",
    "cp1258": "WINDOWS-1258",
    "cp874": "CP874",
    "iso8859_15": "ISO-8859-15",
    "iso8859_2": "ISO-8859-2",
    "koi8_r": "KOI8-R",
    "koi8_u": "KOI8-U",
    "cp866": "CP866",
    "iso8859_5": "ISO-8859-5",
    "iso8859_6": "ISO-8859-6",
    "iso8859_7": "ISO-8859-7",
    "iso8859_8": "ISO-8859-8",
    "mac_roman": "MACINTOSH",
    "mac_cyrillic": "MAC-CYRILLIC",
    "cp850": "CP850",
    "cp852": "CP852",
    "cp437": "CP437",
}
"""Python's name of each encoding and that of iconv, the more frequent ones first."""

# The letters beyond ASCII of each language. A right encoding yields letters of one language; a wrong one mixes.
_LATIN = (
    "éèêëàâîïôùûüçœæÿ",  # French
    "äöüßé",  # German
    "áéíóúüñºª",  # Spanish
    "áâãàçéêíóôõúü",  # Portuguese
    "àèéìîòóù",  # Italian
    "àçéèíïóòúü",  # Catalan
    "ëïéèöü",  # Dutch
    "åäöéæøü",  # Swedish, Danish, Norwegian, Finnish
    "áðéíóúýþæö",  # Icelandic
    "áéíóöőúüű",  # Hungarian
    "ąćęłńóśźż",  # Polish
    "áčďéěíňóřšťúůýžäĺľŕô",  # Czech, Slovak
    "čćđšž",  # Croatian, Slovenian
    "ăâîșțşţ",  # Romanian
    "çğıİöşüâîû",  # Turkish
    "ąčęėįšųūž",  # Lithuanian
    "āčēģīķļņšūž",  # Latvian
    "äõöüšž",  # Estonian
    "ĉĝĥĵŝŭ",  # Esperanto
    "ăâđêôơưàảãáạèéìíòóõùúýỳ\u0300\u0301\u0303\u0309\u0323",  # Vietnamese
)
# The letters of other scripts, the frequent ones first.
_OTHER_SCRIPTS = (
    "оеаинтсрвлкмдпуяыьгзбчйхжшюцщэфъё",  # Russian, Bulgarian
    "оаиніветрслкудмпязьбгчйхїцюжєфшщґ",  # Ukrainian
    "аоніеркятсулвдмыпьзгбцчшўйхжюэёф",  # Belarusian
    "аоиенртсјувкдпмлзбгчшцњхжћљђџфѓќѕ",  # Serbian, Macedonian
    "αοιετσνηυρπκμλςωάίόγέήδχθφύβξώζψϊϋΐΰ",  # Greek
    "יהולאתרבמשנכםדפקעחגזצטסןףךץ",  # Hebrew
    "ايلمنوتربةعدسفهحقكشجأصطخىذغثزإءئضظؤآپچژگ",  # Arabic, Persian
    "านรกอเง่มย้ลวดีทสัตบปคะิจพุหแขใชไ็ื์ถผูึซธโำณศฟๆญษฐภฉฮฬฎฏฒฌฆฑฤ๊๋",  # Thai
)
_WEIGHTS = (
    *(dict.fromkeys(letters, 1.0) for letters in _LATIN),
    *({letter: 1 - 0.4 * rank / len(letters) for rank, letter in enumerate(letters)} for letters in _OTHER_SCRIPTS),
)
# Frequent characters of Chinese, in both scripts.
_HANZI = frozenset(
    "的一是不了人我在有他这为之大来以个中上们到说国和地也子时道出而要于就下得可你年生自会那后能对着事其里所去行过家"
    "十用发天如然作方成者多日都三小军二无同么经法当起与好看学进种将还分此心前面又定见只主没公从用很今起火车站气想吃喝"
    "水书早晚点什谁哪里吗呢吧她它我爱朋友老师学生请谢再喜欢狗猫累房"
    "這為來個們說國時會後對裡過發無經當與學進種將還見從沒軍點誰嗎愛師請謝歡車氣書貓間開樣長問題"
)
_MARKS = frozenset("«»“”„‘’‚…–—¿¡€£§°·•№©®™、。，．！？：；「」『』（）・ー～〜《》【】\u00a0\u3000")


class _Character(NamedTuple):
    """A character beyond ASCII and its neighbours."""

    character: str
    before: str
    after: str


def guess_encoding(sample: bytes) -> str | None:
    """Return iconv's name of the encoding that a sample of text probably has; None without a plausible one.

    Encodings in which the sample is the same text are equally right; the most frequent one is returned.
    """
    sample = sample[: sample.rfind(b"\n") + 1] or sample  # may end inside a character
    part = _foreign_lines(sample)
    possible = [encoding for encoding in _ENCODINGS if _decodes(sample, encoding)]
    scores = {encoding: _score(part.decode(encoding, "replace")) for encoding in possible}
    best = max(scores, key=lambda encoding: scores[encoding], default=None)
    if best is None or scores[best] < _ENOUGH:
        best = _guess_of_charset_normalizer(sample) or best
    return None if best is None else _ENCODINGS.get(best) or best.upper().replace("_", "-")


def _guess_of_charset_normalizer(sample: bytes) -> str | None:
    from charset_normalizer import from_bytes

    best = from_bytes(sample).best()
    return None if best is None or best.encoding in ("ascii", "utf_8") else best.encoding


def _foreign_lines(sample: bytes) -> bytes:
    """Return the first lines of a sample that are not ASCII, about `_SCORED_BYTES` of them."""
    lines = []
    for line in sample.splitlines(keepends=True):
        if not line.isascii():
            lines.append(line)
            if sum(map(len, lines)) > _SCORED_BYTES:
                break
    return b"".join(lines)[: 4 * _SCORED_BYTES]


def _decodes(sample: bytes, encoding: str) -> bool:
    try:
        sample.decode(encoding)
    except UnicodeDecodeError:
        return False
    return True


def _score(text: str) -> float:
    """Return the share, from 0 to 1, of the characters beyond ASCII that fit a language."""
    total = fitting = 0.0
    for column in _columns(text):
        foreign = [
            _Character(character, before, after)
            for before, character, after in zip(f" {column}", column, f"{column[1:]} ", strict=False)
            if character > "~"
        ]
        total += len(foreign)
        fitting += _fitting(foreign)
    return fitting / total if total else 0.0


def _columns(text: str) -> Iterator[str]:
    """Yield the first column of a text and the rest, which may be in two languages."""
    lines = [line.partition("\t") for line in text.splitlines()]
    for part in (0, 2):
        yield "\n".join(line[part] for line in lines)


def _fitting(foreign: list[_Character]) -> float:
    """Return how many of the characters fit the language that fits most, with punctuation where it belongs."""
    if not foreign:
        return 0.0
    marks = sum(
        1 for character, before, after in foreign if character in _MARKS and _may_be_between(character, before, after)
    )
    letters = max(sum(_weight(character, weights) for character in foreign) for weights in _WEIGHTS)
    return marks + max(letters, _east_asian([character for character, *_ in foreign]))


def _may_be_between(mark: str, before: str, after: str) -> bool:
    """Return whether a mark may stand here; of the European ones, only an apostrophe is inside a word."""
    return mark in "’–—" or mark > "\u2fff" or not (before.isalpha() and after.isalpha())


def _weight(character: _Character, weights: dict[str, float]) -> float:
    letter, before, after = character
    weight = weights.get(letter) or weights.get(letter.lower(), 0.0)
    if letter.isupper() and before.isalpha():
        weight *= 0.3
    if letter > "\u036f" and any(other.isalpha() and other < "\u0370" for other in (before, after)):
        return 0.0  # two scripts in one word
    return weight


def _east_asian(characters: list[str]) -> float:
    """Return how many characters fit Japanese (kana among ideographs), Korean (hangul) or Chinese (frequent ones)."""
    ideographs = sum("\u4e00" <= character <= "\u9fff" for character in characters)
    kana = sum("\u3041" <= character <= "\u30fa" for character in characters)
    hangul = sum("\uac00" <= character <= "\ud7a3" for character in characters)
    letters = ideographs + kana + hangul
    frequent = sum(character in _HANZI for character in characters)
    japanese = kana + ideographs if kana > 0.2 * letters and not hangul else 0
    korean = hangul if hangul > 0.9 * letters else 0
    chinese = ideographs * min(1.0, 2.5 * frequent / ideographs) if ideographs and not hangul and not kana else 0
    return max(japanese, korean, chinese)
