"""Bulk translation by shards and by Ray Data: the bytes of one process, with a killed worker, and the overhead.

    python benchmarks/bulk.py MODEL --lines 200000 --workers 2

The lines are English sentences of the phrasebook or the lines of a file, shuffled and repeated. They are translated by
one process; by as many shards at a time as there are workers; and by Ray Data (the extra `ray`, else left out). Shards
and Ray Data run twice: the second time, one worker is killed (SIGKILL) after --kill-after processor seconds; the shard
is then started again by the same command, the actor by Ray. Each output is compared with that of one process, byte by
byte. The overhead is the processor time of all workers beyond that of one process; Ray's own processes do not count.
Results that exist in --folder are reused. Needs Linux.
"""

import argparse
import contextlib
import importlib.util
import json
import math
import os
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from passerelle.data.writing import write_atomically
from stream import source_file

COMMAND = [sys.executable, "-m", "passerelle", "translate"]
RAY = """
import sys, ray
from passerelle.integrations.ray import read_lines, translate_dataset, write_lines
model, source, out, processors, blocks, batch = sys.argv[1:]
ray.init(num_cpus=int(processors), include_dashboard=False, logging_level="error")
lines = read_lines(source, blocks=int(blocks))
write_lines(translate_dataset(lines, model, batch_size=int(batch)), out)
"""
WARM_UP = 20_000
"""Lines that are translated before the first measurement: more than a block."""

ACTOR = "ray::MapWorker(MapBatches(_Translate))"
"""Title of the processes that translate."""

Run = Callable[[Path, float], tuple[float, bool]]
"""Function (output, processor seconds until a worker is killed) -> (processor seconds, whether one was killed)."""


def main() -> None:
    """Run the missing measurements and print a table in Markdown."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model")
    parser.add_argument("--lines", type=int, default=200_000)
    parser.add_argument("--workers", type=int, default=2, help="shards at a time, and actors of Ray")
    parser.add_argument("--batch", type=int, default=4096, help="rows per batch of Ray")
    parser.add_argument("--kill-after", type=float, default=12.0, help="processor seconds of the worker to kill")
    parser.add_argument("--texts", help="file of lines; default: the sources of the phrasebook")
    parser.add_argument("--folder", type=Path, default=Path("bulk"))
    arguments = parser.parse_args()
    arguments.folder.mkdir(parents=True, exist_ok=True)
    folder, model = arguments.folder.absolute(), os.path.abspath(arguments.model)
    source = source_file(folder, arguments.lines, arguments.texts)
    whole = folder / f"{arguments.lines}.one.out"

    if not whole.exists():  # fills the cache of compiled programs, so that it does not favour later runs
        _one_process(model, source_file(folder, min(arguments.lines, WARM_UP), arguments.texts), folder / "warm.out")
    count, after = arguments.workers, arguments.kill_after
    runs: dict[str, Run] = {
        "one process": lambda out, after: _one_process(model, source, out),
        "shards": lambda out, after: _shards(model, source, out, count, after),
    }
    if importlib.util.find_spec("ray") is not None:
        runs["Ray Data"] = lambda out, after: _ray(model, source, out, count, arguments.batch, after)
    print("| lines | translated by | killed | seconds | processor seconds | overhead | output |")
    print("| ---: | --- | --- | ---: | ---: | ---: | --- |")
    failed = False
    first: dict[str, Any] | None = None
    for name, run in runs.items():
        for kill in (False, True) if first else (False,):
            out = whole if first is None else folder / f"{arguments.lines}.{name.split()[0]}{'.killed' * kill}.out"
            result = _measured(out, run, after if kill else math.inf)
            first = first or result
            same = out.read_bytes() == whole.read_bytes()
            failed |= not same or result["killed"] != kill
            overhead = result["processor"] / first["processor"] - 1
            print(
                f"| {arguments.lines:,} | {name} | {'a worker' if result['killed'] else 'none'} | "
                f"{result['seconds']:.1f} | {result['processor']:.1f} | {100 * overhead:+.1f} % | "
                f"{'identical' if same else 'DIFFERENT'} |",
                flush=True,
            )
    raise SystemExit(failed)


def _measured(out: Path, run: Run, kill_after: float) -> dict[str, Any]:
    """Run a translation, unless its output and its result are there; return its times, and whether a worker died."""
    record = out.with_suffix(f"{out.suffix}.json")
    if not (record.exists() and out.exists()):
        out.unlink(missing_ok=True)
        started = time.perf_counter()
        processor, killed = run(out, kill_after)
        result = {"seconds": time.perf_counter() - started, "processor": processor, "killed": killed}
        write_atomically(record, lambda stream: stream.write(json.dumps(result).encode()))
    return json.loads(record.read_text(encoding="utf-8"))


def _one_process(model: str, source: Path, out: Path) -> tuple[float, bool]:
    before = _ended()
    words = [model, "--in", source, "--out", out, "--overwrite"]
    _require(subprocess.run([*COMMAND, *words], stderr=subprocess.DEVNULL).returncode)
    return _ended() - before, False


def _shards(model: str, source: Path, out: Path, count: int, kill_after: float) -> tuple[float, bool]:
    """Translate all shards at the same time; start the last one again if it is killed."""
    before, killed = _ended(), False
    parts = [out.with_suffix(f".{number:03}") for number in range(1, count + 1)]

    def start(number: int, *options: str) -> Any:
        words = [model, "--in", source, "--out", parts[number], "--shard", f"{number + 1}/{count}", *options]
        return subprocess.Popen([*COMMAND, *words], stderr=subprocess.DEVNULL)

    processes = [start(number, "--overwrite") for number in range(count)]
    while processes[-1].poll() is None and not killed:
        if _processor_seconds(processes[-1].pid) > kill_after:
            processes[-1].send_signal(signal.SIGKILL)
            processes[-1].wait()
            killed, processes[-1] = True, start(count - 1, "--overwrite")
        time.sleep(0.02)
    for process in processes:
        _require(process.wait())
    write_atomically(out, lambda stream: [stream.write(part.read_bytes()) for part in parts])
    return _ended() - before, killed


def _ray(model: str, source: Path, out: Path, count: int, batch: int, kill_after: float) -> tuple[float, bool]:
    """Translate with Ray Data, on one processor more than there are actors."""
    blocks = max(2 * count, source.stat().st_size >> 20)
    words = [model, source, out, count + 1, blocks, batch]
    process = subprocess.Popen([sys.executable, "-c", RAY, *map(str, words)], stderr=subprocess.DEVNULL)
    used: dict[int, float] = {}
    killed = False
    while process.poll() is None:
        for number in _actors():
            used[number] = max(used.get(number, 0.0), _processor_seconds(number))
            if used[number] > kill_after and not killed:
                os.kill(number, signal.SIGKILL)
                killed = True
        time.sleep(0.2)
    _require(process.returncode)
    return sum(used.values()), killed


def _actors() -> list[int]:
    """Return the numbers of the processes that translate for Ray."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):  # the process has ended
            if (folder / "cmdline").read_bytes().startswith(ACTOR.encode()):
                found.append(int(folder.name))
    return found


def _processor_seconds(number: int) -> float:
    """Return the processor time of a process that runs; 0 if it has ended."""
    try:
        fields = Path(f"/proc/{number}/stat").read_text(encoding="utf-8").rpartition(") ")[2].split()
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _ended() -> float:
    """Return the processor time of the processes that this one started and that have ended."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def _require(status: int) -> None:
    if status:
        raise SystemExit(f"a translation failed with status {status}")


if __name__ == "__main__":
    main()
