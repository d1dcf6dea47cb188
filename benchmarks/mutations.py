"""Bad inputs to the commands, made from small good ones by a seeded random generator; see bad_inputs.py."""

import bz2
import csv
import gzip
import io
import json
import lzma
import random
import zipfile
from collections.abc import Callable
from dataclasses import dataclass, field

__all__ = ["MODEL", "Case", "make_case"]

MODEL = "MODEL"
"""Stands for the path of the model file in the arguments of a case."""

PAIRS = [("Go.", "Va !"), ("He is tired.", "Il est fatigué."), ("I am cold.", "J'ai froid."), ("Ça va ?", "你好。")]

TEXTS = [
    "", " ", "He is tired.", "é" * 50, "\u0301" * 90, "a\u0323\u0301" * 40, "\ufeffGo.", "\u200b", "\u202e.oG", "\0",
    "\x1b[31m", "\ud800", "�", "𝒳𝒳", "a\tb", "a\nb", "\r", "-", "--", "--beam", "/dev/null", "..", "ﷺ" * 20, "İ",
    "🇫🇷👩‍👩‍👧", "x" * 3000, ". " * 300, "1e999", "NaN", "null", "%s%n", "{0}", "'", '"', "\\", "$HOME", "a" * 200+"!",
    "（。！？",
]  # fmt: skip

PIECES = [
    b"", b"\0", b"\n", b"\r", b"\r\r\n", b"\t", b"\t\t\t", b'"', b'""', b"'", b",", b";", b"\xff", b"\xc3",
    b"\xed\xa0\x80", b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff", b"[", b"]", b"{", b"}", b"[" * 3000, b'{"a":' * 2000,
    b"<", b">", b"</tu>", b"<!--", b"<![CDATA[", b"&amp;", b"&x;", b'<!ENTITY a "b">', b"\\u", b"\\ud800", b"\\x",
    b"\\", b"msgid ", b"msgstr[9999999999] ", b"#~ ", b"x" * 120_000, b" " * 5000, b"1" * 5000, b"null", b"true",
    b"1e999", b"-1", b"NaN", "é".encode(), "\u202e".encode(), "\u0301".encode() * 2000, b"\x1b[2J", b"PAR1",
    b"PK\x03\x04", b"\x1f\x8b", b"BZh9", b"# ", b"=", b"a = 1\n", b"[[a]]\n", b"(?&main)", b"(", b")*", b"{3000}",
    b"|", b"(.?){3000}", b"\\w{500}",
]  # fmt: skip

PATTERN_PARTS = [
    "a", "b", ".", r"\w", r"\W", r"\d", "[^a]", "[a-z]", "é", "|", "(", ")", "(?:", "*", "+", "?", "{2}", "{0,300}",
    "{3000}", "{99999999999}", "{,}", "{3,1}", "[", "]", "^", "$", r"\b", r"\1", "(?=", "(?P<x>", "\\", r"\u12", "-",
    " ", "𝒳", "\u0301", "(.*a.*)", "(a|b)*", "x?", "\n",
]  # fmt: skip

VALUES = [
    "",
    "\0",
    *[
        "0",
        "-1",
        "1",
        "1.5",
        "nan",
        "inf",
        "1e308",
        "99999999999999999999",
        "x",
        "é",
        "None",
        "true",
        "[1]",
        "/",
        ".",
        "a,b",
        "1,2,3",
    ],
]
NAMES = [
    "beam", "n-best", "length-penalty", "groups", "temperature", "top-k", "top-p", "seed", "limit", "columns",
    "format", "tag-column", "max-line", "units", "layers", "preset", "level", "epochs", "batch-size", "set",
    "settings", "minutes", "vocabulary-size", "separator", "with", "mean", "weights", "in", "out", "validation",
    "seeds", "learning-rate", "no-repeat-ngram-size", "coverage-penalty", "max-length", "min-length", "beem",
]  # fmt: skip


@dataclass
class Case:
    """One call of the command line.

    Attributes:
        kind: the kind of the input, for the report.
        arguments: the arguments; `MODEL` is replaced by the path of a model file.
        files: content of the files in the folder of the call, by name.
        stdin: content of standard input.
    """

    kind: str
    arguments: list[str]
    files: dict[str, bytes] = field(default_factory=dict)
    stdin: bytes = b""


def make_case(seed: int) -> Case:
    """Return the case with this seed; the same seed always gives the same case."""
    rng = random.Random(seed)
    make = rng.choices([make for make, _ in _KINDS], [weight for _, weight in _KINDS])[0]
    case = make(rng)
    case.arguments = [argument.replace("\0", "0") for argument in case.arguments]  # the system allows no NUL
    return case


def mutated(data: bytes, rng: random.Random) -> bytes:
    """Change bytes in one to four places: insert, remove, replace, repeat, cut or flip a bit."""
    for _ in range(rng.randint(1, 4)):
        begin = rng.randint(0, len(data))
        end = min(len(data), begin + rng.choice([0, 1, 1, 2, 8, 40]))
        piece = rng.choice([*PIECES, rng.randbytes(3), data[begin:end] * rng.choice([2, 300])])
        if rng.random() < 0.1 and begin < len(data):
            piece, end = bytes([data[begin] ^ 1 << rng.randrange(8)]), begin + 1
        data = data[:begin] if rng.random() < 0.05 else data[:begin] + piece + data[end:]
    return data


def _pairs_file(rng: random.Random) -> tuple[str, bytes]:
    """Return the name and the content of a file of pairs, mutated before or after it is packed."""
    kind = rng.choice(["tsv", "jsonl", "json", "csv", "po", "tmx", "txt", "parquet"])
    data = mutated(_WRITERS[kind](), rng)
    if rng.random() < 0.2:
        encoding = rng.choice(["utf-16", "utf-16-be", "utf-32", "latin-1", "cp1251", "shift_jis", "gb18030", "utf-7"])
        data = data.decode("utf-8", "replace").encode(encoding, "replace")
    packing = rng.choice(["", "", "", "", ".gz", ".bz2", ".xz", ".zip", ".zst"])
    packed = _PACKERS[packing](data)
    return f"pairs.{kind}{packing}", mutated(packed, rng) if packing and rng.random() < 0.5 else packed


def _zip(data: bytes) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("pairs.tsv", data)
    return stream.getvalue()


def _csv() -> bytes:
    stream = io.StringIO()
    csv.writer(stream).writerows([("source", "target"), *PAIRS])
    return stream.getvalue().encode()


def _json_lines() -> bytes:
    return "".join(json.dumps({"source": source, "target": target}) + "\n" for source, target in PAIRS).encode()


def _po() -> bytes:
    return "\n".join(f'#, c-format\nmsgid "{source}"\nmsgstr "{target}"\n' for source, target in PAIRS).encode()


def _tmx() -> bytes:
    units = "".join(
        f'<tu><tuv xml:lang="en"><seg>{source}</seg></tuv><tuv xml:lang="fr"><seg>{target}</seg></tuv></tu>\n'
        for source, target in PAIRS
    )
    return f'<?xml version="1.0"?><tmx version="1.4"><header/><body>{units}</body></tmx>'.encode()


def _tsv() -> bytes:
    return "".join(f"{source}\t{target}\n" for source, target in PAIRS).encode()


_WRITERS: dict[str, Callable[[], bytes]] = {
    "tsv": _tsv,
    "txt": _tsv,
    "jsonl": _json_lines,
    "json": lambda: json.dumps([{"source": source, "target": target} for source, target in PAIRS]).encode(),
    "csv": _csv,
    "po": _po,
    "tmx": _tmx,
    "parquet": lambda: b"PAR1" + bytes(range(200)) + b"PAR1",
}
_PACKERS: dict[str, Callable[[bytes], bytes]] = {
    "": lambda data: data,
    ".gz": gzip.compress,
    ".bz2": bz2.compress,
    ".xz": lzma.compress,
    ".zip": _zip,
    ".zst": lambda data: b"\x28\xb5\x2f\xfd" + data,
}


def _read_pairs(rng: random.Random) -> Case:
    name, data = _pairs_file(rng)
    arguments = [rng.choice(["score", "score", "evaluate"]), MODEL, name]
    if rng.random() < 0.2:
        arguments += [f"--{rng.choice(['format', 'columns', 'limit', 'tag-column', 'max-line'])}", rng.choice(VALUES)]
    files = {name: data}
    if rng.random() < 0.1:
        files["pairs.fr"] = mutated(_tsv(), rng)
        arguments.insert(3, "pairs.fr")
    return Case("pairs", arguments, files)


def _texts(rng: random.Random) -> Case:
    command = rng.choice([["translate", MODEL], ["encode", MODEL, "--out", "out.npy"]])
    texts = ["".join(rng.choices(TEXTS, k=rng.randint(1, 3))) for _ in range(rng.randint(1, 3))]
    if rng.random() < 0.5:
        return Case("texts", [*command, "--", *texts] if rng.random() < 0.8 else [*command, *texts])
    data = mutated("\n".join(texts).encode("utf-8", "surrogatepass"), rng)
    return Case("texts", command, stdin=data)


def _settings_file(rng: random.Random) -> Case:
    toml = b'preset = "compact"\n[source]\nlevel = "word"\n[network.encoder]\nunits = 8\n[training]\nepochs = 1\n'
    files = {"s.toml": mutated(toml, rng), "none.tsv": b""}  # without pairs, nothing is trained
    return Case("settings", ["train", "none.tsv", "--settings", "s.toml"], files)


def _constraints(rng: random.Random) -> Case:
    pattern = "".join(rng.choices(PATTERN_PARTS, k=rng.randint(1, 8)))
    kind = rng.choice(["pattern", "pattern", "grammar", "lexicon", "require", "forbid", "prefix"])
    arguments = ["translate", MODEL, "Go."]
    if kind == "pattern":
        return Case(kind, [*arguments, f"--pattern={pattern}"])
    if kind in ("require", "forbid", "prefix"):
        return Case(kind, [*arguments, *(f"--{kind}={rng.choice(TEXTS)}" for _ in range(rng.choice([1, 1, 3, 9])))])
    data = {
        "grammar": f"a = {pattern}\nmain = (?&a) | x\n".encode(),
        "lexicon": "\n".join(rng.choices(TEXTS, k=5)).encode("utf-8", "surrogatepass"),
    }[kind]
    return Case(kind, [*arguments, f"--{kind}", "rules.txt"], {"rules.txt": mutated(data, rng)})


def _vectors(rng: random.Random) -> Case:
    words = {word for source, _ in PAIRS for word in source.strip("?. ").split()}
    vectors = "".join(f"{word} 0.1 0.2 -0.3\n" for word in sorted(words)).encode()
    files = {"p.tsv": _tsv(), "v.txt": mutated(b"8 3\n" + vectors, rng)}
    # The second file does not exist, so nothing is trained.
    arguments = ["train", "p.tsv", "--level", "word", "--source-vectors", "v.txt", "--target-vectors", "absent.txt"]
    return Case("vectors", arguments, files)


def _options(rng: random.Random) -> Case:
    command = rng.choice(
        ["train", "translate", "evaluate", "score", "encode", "describe", "diagram", "phrasebook", "x"]
    )
    files = {"none.tsv": b""}
    arguments = [command, *([] if command in ("train", "phrasebook", "x") else [MODEL]), "none.tsv"]
    for _ in range(rng.randint(1, 3)):
        arguments += [f"--{rng.choice(NAMES)}", *rng.choices(VALUES, k=rng.choice([0, 1, 1, 1]))]
    return Case("options", arguments, files)


_KINDS: list[tuple[Callable[[random.Random], Case], int]] = [
    (_read_pairs, 40),
    (_texts, 15),
    (_settings_file, 10),
    (_constraints, 12),
    (_vectors, 8),
    (_options, 15),
]
