"""Load hostile variants of a model file, and check that each is refused with one line or works, within limits.

    python benchmarks/hostile_models.py --variants 2000

Each variant is made from a sound model by a seeded change of the bytes, the archive, the JSON or the HDF5 file. A
worker process loads it, translates a word and describes the model. Allowed are a `ModelFileError` of one line, or a
model that works; within 5 seconds and 500 MB above the worker's memory at the start, with nothing left behind in the
folder of the file and in the temporary folder. A worker loads up to 100 variants; the memory in the table is its peak
up to the variant, an upper bound.
"""

import argparse
import contextlib
import io
import json
import math
import multiprocessing
import os
import random
import re
import resource
import struct
import sys
import tempfile
import time
import warnings
import zipfile
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import passerelle
from passerelle.runtime import enable_compilation_cache

SECONDS, MEGABYTES = 5.0, 500
FILES_PER_WORKER = 100
ASSET, CONFIG, WEIGHTS = "assets/translator.json", "config.json", "model.weights.h5"

Members = dict[str, bytes]
Make = Callable[[bytes, random.Random], bytes]


def main() -> None:
    """Make the variants, load each, print a table in Markdown and the failures; status 1 if there are any."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--variants", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--keep", type=Path, help="folder for the files of failures")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        sound = Path(folder) / "sound.keras"
        train_small().save(sound)
        results = check(sound.read_bytes(), range(arguments.seed, arguments.seed + arguments.variants), arguments.keep)
    failures = [result for result in results if result["fault"]]
    kinds = sorted({result["kind"] for result in results})
    print("| change | variants | refused | work | failures | longest, s | most memory, MB |")
    print("| --- | ---: | ---: | ---: | ---: | ---: | ---: |")
    for kind in [*kinds, "all"]:
        rows = [result for result in results if kind in (result["kind"], "all")]
        counts = Counter("fault" if row["fault"] else row["outcome"] for row in rows)
        print(
            f"| {kind} | {len(rows):,} | {counts['refused']:,} | {counts['works']:,} | {counts['fault']:,} | "
            f"{max(row['seconds'] for row in rows):.1f} | {max(row['megabytes'] for row in rows):.0f} |"
        )
    for failure in failures:
        print(f"seed {failure['seed']}, {failure['kind']}: {failure['fault']}")
    raise SystemExit(bool(failures))


def train_small() -> passerelle.Translator:
    """Train a small model for one epoch."""
    words = [f"{a}{b}" for a in "abcdé" for b in "abcdé"]
    side = {"embedding": 6, "units": 8}
    network = {"attention": "general", "encoder": side, "decoder": side}
    return passerelle.train([(word, word[::-1]) for word in words], settings={"network": network}, epochs=1)


def check(sound: bytes, seeds: Any, keep: Path | None = None) -> list[dict[str, Any]]:
    """Load one variant for each seed in a worker process; a worker that exceeds the time limit is replaced.

    Returns:
        For each variant: `seed`, `kind`, `outcome` (`refused` or `works`), `seconds`, `megabytes`, and `fault`: the
        description of a failure, or an empty string.
    """
    results = []
    with tempfile.TemporaryDirectory() as base:
        folder, temporary = Path(base) / "models", Path(base) / "temporary"
        folder.mkdir()
        temporary.mkdir()
        (Path(base) / "sound.keras").write_bytes(sound)
        worker = _Worker(Path(base) / "sound.keras", temporary)
        for count, seed in enumerate(seeds, start=1):
            if count % FILES_PER_WORKER == 0:
                worker.restart()
            kind, data = variant(sound, seed)
            path = folder / "variant.keras"
            path.write_bytes(data)
            result = worker.load(path)
            left = [entry.name for place in (folder, temporary) for entry in place.iterdir() if entry != path]
            if left:
                result["fault"] = result["fault"] or f"left behind: {', '.join(left)}"
                for name in left:
                    for place in (folder, temporary):
                        _remove(place / name)
            if result["fault"] and keep is not None:
                keep.mkdir(parents=True, exist_ok=True)
                (keep / f"{seed}.keras").write_bytes(data)
            results.append({"seed": seed, "kind": kind, **result})
        worker.stop()
    return results


def _remove(path: Path) -> None:
    if path.is_dir():
        for entry in path.iterdir():
            _remove(entry)
        path.rmdir()
    else:
        path.unlink(missing_ok=True)


class _Worker:
    """A process that loads model files one after the other."""

    def __init__(self, sound: Path, temporary: Path):
        self._arguments = str(sound), str(temporary)
        self._start()

    def _start(self) -> None:
        context = multiprocessing.get_context("spawn")
        self._connection, other = context.Pipe()
        self._process = context.Process(target=_serve, args=(other, *self._arguments), daemon=True)
        self._process.start()
        other.close()
        self._connection.recv()  # Keras is imported

    def restart(self) -> None:
        self.stop()
        self._start()

    def stop(self) -> None:
        self._process.kill()
        self._process.join()
        self._connection.close()

    def load(self, path: Path) -> dict[str, Any]:
        started = time.perf_counter()
        self._connection.send(str(path))
        fault = f"over {SECONDS:g} s"
        try:
            if self._connection.poll(SECONDS):
                return self._connection.recv()
        except EOFError:
            self._process.join()
            fault = f"the process ended with status {self._process.exitcode}"
        self.restart()
        return {"outcome": "", "seconds": time.perf_counter() - started, "megabytes": 0.0, "fault": fault}


def _serve(connection: Any, sound: str, temporary: str) -> None:
    tempfile.tempdir = temporary
    os.environ["TMPDIR"] = temporary
    enable_compilation_cache()  # as the commands do
    _load(sound)  # imports Keras and compiles the search
    _limit_memory()
    start = _memory()
    connection.send("ready")
    while True:
        path = connection.recv()
        started = time.perf_counter()
        outcome, fault = _load(path)
        seconds, megabytes = time.perf_counter() - started, (_memory(peak=True) - start) / 2**20
        if not fault and megabytes > MEGABYTES:
            fault = f"{megabytes:.0f} MB"
        connection.send({"outcome": outcome, "seconds": seconds, "megabytes": megabytes, "fault": fault})


def _load(path: str) -> tuple[str, str]:
    from passerelle.cli.describe import describe

    printed = io.StringIO()
    try:
        with contextlib.redirect_stdout(printed), contextlib.redirect_stderr(printed):
            translator = passerelle.load(path)
            if printed.getvalue():
                return "works", f"printed: {printed.getvalue()[:200]!r}"
            translator.translate("abc")
            describe(path)
        if len(printed.getvalue()) > 10_000_000:
            return "works", f"describe printed {len(printed.getvalue()):,} characters"
        return "works", ""
    except passerelle.ModelFileError as error:
        message = str(error)
        if printed.getvalue():
            return "refused", f"printed before the message: {printed.getvalue()[:200]!r}"
        if len(message) > 2200 or re.search(r"[\x00-\x1f\x7f-\x9f]", message):
            return "refused", f"message: {message[:300]!r}"
        return "refused", ""
    except BaseException as error:
        return "", f"{type(error).__name__}: {error!s:.200}"


def _limit_memory() -> None:
    """Let an allocation of gigabytes fail instead of harming the machine."""
    if sys.platform == "linux":
        used = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0]) * os.sysconf("SC_PAGE_SIZE")
        resource.setrlimit(resource.RLIMIT_AS, (used + 2**32, used + 2**32))


def _memory(*, peak: bool = False) -> int:
    """Return the memory of this process in bytes, now or at its peak; without /proc, always at its peak."""
    status = Path("/proc/self/status")
    if not status.exists():
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
    name = "VmHWM" if peak else "VmRSS"
    return 1024 * int(re.findall(rf"^{name}:\s*(\d+) kB$", status.read_text(encoding="ascii"), flags=re.MULTILINE)[0])


# ---- variants


def variant(sound: bytes, seed: int) -> tuple[str, bytes]:
    """Return the kind of the change that belongs to a seed, and the changed file."""
    choose = random.Random(seed)
    kind = sorted(KINDS)[seed % len(KINDS)]
    return kind, KINDS[kind](sound, choose)


def members_of(sound: bytes) -> Members:
    with zipfile.ZipFile(io.BytesIO(sound)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def packed(members: Members | list[tuple[str, bytes]], deflated: tuple[str, ...] = ()) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, data in members.items() if isinstance(members, dict) else members:
            info = zipfile.ZipInfo(name)
            info.compress_type = zipfile.ZIP_DEFLATED if name in deflated else zipfile.ZIP_STORED
            archive.writestr(info, data)
    return out.getvalue()


def changed_bytes(sound: bytes, choose: random.Random) -> bytes:
    """Flip bits, cut, insert or remove bytes, anywhere in the file or near its end."""
    data = bytearray(sound)
    for _ in range(choose.choice((1, 1, 3, 20))):
        at = choose.randrange(len(data)) if choose.random() < 0.5 else len(data) - choose.randrange(1, 600)
        action = choose.randrange(4)
        if action == 0:
            data[at] ^= 1 << choose.randrange(8)
        elif action == 1:
            data[at : at + choose.randrange(1, 64)] = choose.randbytes(choose.randrange(64))
        elif action == 2:
            data[at : at + 4] = struct.pack("<I", choose.choice((0, 1, 2**31, 2**32 - 1)))
        else:
            data = data[: max(at, 1000)]
    return bytes(data)


def changed_archive(sound: bytes, choose: random.Random) -> bytes:
    """Rename, add, remove, duplicate, swap, compress or enlarge members, or lie about them."""
    members = members_of(sound)
    name = choose.choice(sorted(members))
    action = choose.randrange(9)
    if action == 0:
        other = choose.choice(["../x", "/x", f"{name}\x1b[2J", name.upper(), "a" * 60_000, "", "config.json/x"])
        members[other] = members.pop(name)
    elif action == 1:
        members.pop(name)
    elif action == 2:
        members |= {f"assets/{number}": b"" for number in range(choose.choice((1, 100, 20_000)))}
    elif action == 3:
        other = choose.choice(sorted(members))
        members[name], members[other] = members[other], members[name]
    elif action == 4:
        members[name] += bytes(choose.choice((1, 2**12, 2**22)))
        return packed(members, (name,) if choose.random() < 0.5 else ())
    elif action == 5:
        return packed(members, (name,))
    elif action == 6:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # zipfile warns of the duplicate name that is wanted here
            return packed([*members.items(), (name, members[name])])
    elif action == 7:
        return _lying_sizes(packed(members), choose)
    else:
        return choose.choice((b"MZ" * choose.choice((1, 5000)), b"")) + sound + choose.randbytes(choose.choice((0, 30)))
    return packed(members)


def _lying_sizes(file: bytes, choose: random.Random) -> bytes:
    """Change method, checksum, sizes or position of a member in the list of members."""
    data = bytearray(file)
    at = struct.unpack_from("<I", data, data.rfind(b"PK\5\6") + 16)[0]
    for _ in range(choose.randrange(4)):
        at += 46 + sum(struct.unpack_from("<HHH", data, at + 28))
    place, form = choose.choice([(8, "<H"), (10, "<H"), (16, "<I"), (20, "<I"), (24, "<I"), (42, "<I")])
    value = choose.choice((0, 1, 8, 14, 99, 2**16 - 1)) if form == "<H" else choose.choice((0, 1, 2**20, 2**32 - 1))
    struct.pack_into(form, data, at + place, value)
    return bytes(data)


def _odd_values(choose: random.Random) -> Any:
    many = choose.choice((10, 1000, 100_000))
    deep: Any = []
    for _ in range(choose.choice((10, 90, 500))):
        deep = [deep]
    numbers = [None, True, -1, 0, 1.5, 2**31, 2**63, 10**40, 10**299, 10**400, math.nan, math.inf, -math.inf]
    texts = [
        "",
        "\x1b[2J",
        "\x9b2J\u202e\ud800",
        "x" * many,
        "\u0301" * many,
        "🙂" * many,
        "text",
        "/etc/passwd",
        "float32",
    ]
    trees = [[], {}, [[]] * many, ["x"] * many, deep, {f"k{number}": number for number in range(many)}, {"a" * many: 1}]
    return choose.choice([*numbers, *texts, *trees, [1.0] * many])


def changed_json(sound: bytes, choose: random.Random) -> bytes:
    """Replace, remove, add or duplicate values anywhere in a JSON member, or break its text."""
    members = members_of(sound)
    name = choose.choice((ASSET, ASSET, CONFIG))
    if choose.random() < 0.15:
        broken = [b"", b"[" * 10**5, b'{"a":' * 10**5, b"\xff\xfe", b"nul", b"[" + b"[]," * 10**6 + b"0]", b"1" * 10**5]
        broken += [b'{"format":2,"x":"' + b"\\u001b" * 10**5 + b'"}', b"[" + b'"ab",' * 10**6 + b"0]"]
        members[name] = choose.choice([*broken, members[name][: choose.randrange(len(members[name]))]])
        return packed(members)
    tree = json.loads(members[name])
    for _ in range(choose.choice((1, 1, 2, 5))):
        place, key = _random_place(tree, choose)
        if place is None:
            break
        action = choose.randrange(4)
        if action == 0 and isinstance(place, dict):
            place[choose.choice(["x", "\x1b]0;x\x07", "q" * 100_000])] = _odd_values(choose)
        elif action == 1:
            del place[key]
        else:
            place[key] = _odd_values(choose)
    members[name] = json.dumps(tree, ensure_ascii=choose.random() < 0.5).encode(errors="surrogatepass")
    return packed(members)


def _random_place(tree: Any, choose: random.Random) -> tuple[Any, Any]:
    """Return a random list or dict in the tree and a key of it; None if there is none."""
    place, key = None, None
    while isinstance(tree, list | dict) and tree:
        place, key = tree, choose.choice(list(tree) if isinstance(tree, dict) else range(len(tree)))
        if choose.random() < 0.2:
            break
        tree = tree[key]
    return place, key


def changed_hdf5(sound: bytes, choose: random.Random) -> bytes:
    """Change shapes, types, attributes, links and groups of the weights, or bytes of their file."""
    import h5py
    import numpy as np

    members = members_of(sound)
    if choose.random() < 0.4:  # the checksum of the archive is right
        data = bytearray(members[WEIGHTS])
        for _ in range(choose.choice((1, 4, 30))):
            at = choose.randrange(len(data)) if choose.random() < 0.5 else choose.randrange(4096)
            data[at] = choose.choice((0, 1, 255, data[at] ^ (1 << choose.randrange(8))))
        members[WEIGHTS] = bytes(data)
        return packed(members)
    stream = io.BytesIO(members[WEIGHTS])
    with h5py.File(stream, "r+") as file:
        names: list[str] = []
        file.visititems(lambda name, item: names.append(name) if isinstance(item, h5py.Dataset) else None)
        name = choose.choice(names)
        array, group = np.asarray(file[name]), file[name].parent
        action = choose.randrange(10)
        if action < 8:
            del file[name]
        if action == 0:
            file[name] = array.astype(choose.choice(["f2", "f8", ">f4", "i4", "c8", "S3", "?"]))
        elif action == 1:
            file[name] = choose.choice([array.T, array[None], array[:1], array.ravel(), np.repeat(array, 2, 0)])
        elif action == 2:
            huge = choose.choice([(2**20,), (2**40,), (2**62,), (0,), ()])
            chunked = huge and huge[0] and choose.random() < 0.5
            file.create_dataset(name, huge, "f4", chunks=(2**10,) if chunked else None)
        elif action == 3:
            file[name] = choose.choice(
                [h5py.ExternalLink("/etc/hostname", "/x"), h5py.SoftLink("/"), h5py.SoftLink(f"/{name}")]
            )
        elif action == 4:
            file[name] = choose.choice([group, file["/"]])  # hard links: a cycle
        elif action == 5:
            file.create_dataset(name, data=array, chunks=True, compression=choose.choice(["gzip", "lzf", None]))
        elif action == 6:
            file.create_dataset(name, array.shape, "f4", external=[("/etc/hostname", 0, h5py.h5f.UNLIMITED)])
        elif action == 8:
            for number in range(choose.choice((1, 50))):
                file[name].attrs[f"dtype{number or ''}"] = choose.choice([np.zeros(1000), "bfloat16", "\x1b[2J"])
        elif action == 9:
            place = group
            for number in range(choose.choice((1, 20, 300))):
                inner = place.create_group(f"g{number}")
                place = inner if choose.random() < 0.9 else place
    members[WEIGHTS] = stream.getvalue()
    return packed(members)


def changed_weights(sound: bytes, choose: random.Random) -> bytes:
    """Let the numbers of the weights be anything: the file is sound."""
    members = members_of(sound)
    data = bytearray(members[WEIGHTS])
    at = choose.randrange(len(data) // 2, len(data) - 64)
    data[at : at + 64] = struct.pack("<16f", *(choose.choice((math.nan, math.inf, -1e38, 0.0)) for _ in range(16)))
    members[WEIGHTS] = bytes(data)
    return packed(members)


KINDS: dict[str, Make] = {
    "archive": changed_archive,
    "bytes": changed_bytes,
    "HDF5": changed_hdf5,
    "JSON": changed_json,
    "weights": changed_weights,
}

if __name__ == "__main__":
    main()
