"""Peak memory and speed of `passerelle translate` on many lines, and a run that is killed half-way and resumed.

    python benchmarks/stream.py MODEL --lines 10000 1000000

The lines are English sentences of the phrasebook or the lines of a file, shuffled and repeated. The command runs once
for each number of lines. With the largest number it runs again, is killed (SIGKILL) at half of the output and continues
with --resume; then both outputs are compared byte by byte. Results that exist in --folder are reused.
"""

import argparse
import json
import os
import random
import signal
import subprocess
import sys
import time
from itertools import cycle, islice
from pathlib import Path
from typing import Any

import passerelle
from passerelle.data.files import read_lines
from passerelle.data.writing import write_atomically

COMMAND = [sys.executable, "-c", "from passerelle.cli import main; main()"]


def main() -> None:
    """Run the missing measurements and print a table in Markdown."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model")
    parser.add_argument("--lines", type=int, nargs="+", default=[10_000, 1_000_000])
    parser.add_argument("--texts", help="file of lines; default: the sources of the phrasebook")
    parser.add_argument("--folder", type=Path, default=Path("stream"))
    arguments = parser.parse_args()
    arguments.folder.mkdir(parents=True, exist_ok=True)
    print("| lines | seconds | lines per second | peak memory, MB |")
    print("| ---: | ---: | ---: | ---: |")
    for count in sorted(set(arguments.lines)):
        source = source_file(arguments.folder, count, arguments.texts)
        result = _measure(arguments.model, source, arguments.folder / f"{count}.out")
        rate = count / result["seconds"]
        print(f"| {count:,} | {result['seconds']:.1f} | {rate:,.0f} | {result['peak'] / 1e6:.0f} |", flush=True)
    complete, resumed = arguments.folder / f"{count}.out", arguments.folder / f"{count}.killed.out"
    same = _resumed_output_is_equal(arguments.model, source, complete, resumed)
    print(f"\nThe output of the resumed run is {'identical' if same else 'DIFFERENT'}.")
    raise SystemExit(not same)


def source_file(folder: Path, count: int, texts: str | None) -> Path:
    """Return a file of `count` lines; write it if it does not exist."""
    path = folder / f"{count}.txt"
    if not path.exists():
        lines = list(read_lines(texts)) if texts else [source for source, _ in passerelle.phrasebook()]
        random.Random(1).shuffle(lines)
        content = "".join(f"{line}\n" for line in islice(cycle(lines), count)).encode()
        write_atomically(path, lambda stream: stream.write(content))
    return path


def _translate(model: str, source: Path, out: Path, *options: str) -> Any:
    arguments = ["translate", model, "--in", str(source), "--out", str(out), *options]
    return subprocess.Popen([*COMMAND, *arguments], stderr=subprocess.DEVNULL)


def _measure(model: str, source: Path, out: Path) -> dict[str, float]:
    """Translate a file; return seconds and peak memory in bytes."""
    record = out.with_suffix(".json")
    if record.exists():
        return json.loads(record.read_text(encoding="utf-8"))
    out.unlink(missing_ok=True)
    started = time.perf_counter()
    process = _translate(model, source, out)
    _, status, usage = os.wait4(process.pid, 0)  # resource usage of this child only
    if status:
        raise SystemExit(f"translating {source} failed with status {os.waitstatus_to_exitcode(status)}")
    unit = 1 if sys.platform == "darwin" else 1024
    result = {"seconds": time.perf_counter() - started, "peak": usage.ru_maxrss * unit}
    write_atomically(record, lambda stream: stream.write(json.dumps(result).encode()))
    return result


def _resumed_output_is_equal(model: str, source: Path, complete: Path, out: Path) -> bool:
    """Kill a run half-way, resume it, and return whether its output equals that of the uninterrupted run."""
    out.unlink(missing_ok=True)
    process = _translate(model, source, out)
    while process.poll() is None and not (out.exists() and 2 * out.stat().st_size >= complete.stat().st_size):
        time.sleep(0.05)
    process.send_signal(signal.SIGKILL)
    if process.wait() != -signal.SIGKILL:
        raise SystemExit("the run ended before it could be killed; increase --lines")
    lines = out.read_bytes().count(b"\n")
    print(f"\nKilled after {lines:,} lines.", flush=True)
    if _translate(model, source, out, "--resume").wait():
        raise SystemExit("the resumed run failed")
    return out.read_bytes() == complete.read_bytes()


if __name__ == "__main__":
    main()
