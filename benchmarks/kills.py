"""End small trainings by signals at random moments, and check what they leave.

    python benchmarks/kills.py                # 60 trainings, 20 for each of SIGKILL, SIGTERM and SIGHUP
    python benchmarks/kills.py --kills 6 --seed 2

Half of the trainings replace a model (`--overwrite`). After each one, the model file must be complete, or the old one,
or absent; another model in the folder must be unchanged; exit status and last line must be those of the documentation;
the temporary folder of the system must be empty; and after the next save under the same name nothing else may remain.
Half of the signals are sent at any moment of the process, half around the end of training, when the model is saved.
"""

import argparse
import collections
import os
import random
import re
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import passerelle

EPOCHS = 3
COMMAND = [sys.executable, "-m", "passerelle", "train", "pairs.tsv", "--out", "model.keras"]
OPTIONS = ["--units", "8", "--epochs", str(EPOCHS), "--level", "word", "--no-run"]
SIGNALS = [getattr(signal, name) for name in ("SIGKILL", "SIGTERM", "SIGHUP") if hasattr(signal, name)]
SAVED = r"interrupted by {}; saved model\.keras with the (best checkpoint so far \(epoch \d of \d\)|weights .*)"
NOTHING = r"passerelle: interrupted by {}; the step in progress wrote nothing\."


@dataclass(frozen=True)
class Kill:
    """One training and its end.

    Attributes:
        number: number of the signal.
        moment: when it was sent, in words.
        status: exit status; negative if the signal itself ended the process.
        outcome: the state of the model file: `saved`, `absent` or `old`.
        faults: rules that were broken; empty if all is well.
    """

    number: int
    moment: str
    status: int
    outcome: str
    faults: tuple[str, ...]


class Trainings:
    """Trainings in one folder.

    Args:
        folder: an empty folder.
        seed: seed of the moments.
    """

    def __init__(self, folder: Path, seed: int):
        self._folder = folder / "work"
        self._temporary = folder / "tmp"
        self._random = random.Random(seed)
        for path in (self._folder, self._temporary):
            path.mkdir()
        rows = passerelle.phrasebook()[:400:4]
        (self._folder / "pairs.tsv").write_text("".join(f"{a}\t{b}\n" for a, b in rows), encoding="utf-8")
        self._seconds = 0.0
        for _ in range(2):  # the first one fills the cache of compiled programs
            started = time.perf_counter()
            subprocess.run([*COMMAND, *OPTIONS, "--overwrite"], cwd=self._folder, check=True, capture_output=True)
            self._seconds = time.perf_counter() - started
        self._model = self._folder / "model.keras"
        self._sound = passerelle.load(self._model)
        self._model.rename(self._folder / "other.keras")
        self._kept = {path.name: path.read_bytes() for path in self._folder.iterdir()}

    def kill(self, number: int, *, overwrite: bool, at_the_end: bool) -> Kill:
        """Start a training, send it a signal, and check what it leaves."""
        old = b""
        if overwrite:
            self._sound.save(self._model)
            old = self._model.read_bytes()
        for ignored in SIGNALS[1:]:  # by `nohup` for example; a child process would ignore them too
            signal.signal(ignored, signal.SIG_DFL)
        process = subprocess.Popen(
            [*COMMAND, *OPTIONS, *(["--overwrite"] if overwrite else [])],
            cwd=self._folder,
            env=os.environ | {"TMPDIR": str(self._temporary)},
            stderr=subprocess.PIPE,
            text=True,
        )
        assert process.stderr is not None
        seen = []
        if at_the_end:
            for line in process.stderr:
                seen.append(line)
                if line.startswith(f"epoch {EPOCHS}/"):
                    break
        moment = self._random.uniform(0, 0.8 if at_the_end else 1.05 * self._seconds)
        time.sleep(moment)
        process.send_signal(number)
        text = "".join(seen) + process.communicate()[1]
        status = process.returncode
        outcome, faults = self._check(number, status, text, old)
        shown = f"{moment:.2f} s after {'the last epoch' if at_the_end else 'the start'}"
        return Kill(number, shown, status, outcome, tuple(faults))

    def _check(self, number: int, status: int, text: str, old: bytes) -> tuple[str, list[str]]:
        faults = []
        outcome = "absent"
        if self._model.exists():
            outcome = "old" if old and self._model.read_bytes() == old else "saved"
            try:
                passerelle.load(self._model).translate("He is tired.")
            except passerelle.PasserelleError as error:
                faults.append(f"not a complete model: {error}")
        elif old:
            faults.append("the old model is gone")
        lines = text.splitlines() or [""]
        name = signal.Signals(number).name
        if status == 128 + number:
            expected = (SAVED if outcome == "saved" else NOTHING).format(name)
            saved_before = any(line.startswith("saved model.keras (") for line in lines)
            if not re.fullmatch(NOTHING.format(name) if saved_before else expected, lines[-1]):
                faults.append(f"unexpected last line: {lines[-1]}")
        elif status == 0:
            if outcome != "saved" or not lines[-1].startswith("saved model.keras ("):
                faults.append(f"status 0, but {outcome}: {lines[-1]}")
        elif status != -number:
            faults.append(f"status {status}: {lines[-3:]}")
        if "Traceback" in text:
            faults.append("a traceback")
        if os.listdir(self._temporary):
            faults.append(f"in the temporary folder: {os.listdir(self._temporary)}")
        self._sound.save(self._model)
        self._model.unlink()
        left = {path.name: path.read_bytes() for path in self._folder.iterdir() if path.is_file()}
        if left != self._kept or len(os.listdir(self._folder)) != len(self._kept):
            faults.append(f"changed or left after the next save: {sorted(os.listdir(self._folder))}")
        return outcome, faults


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=60)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    counts: collections.Counter[tuple[str, int, str]] = collections.Counter()
    failed = 0
    with tempfile.TemporaryDirectory() as folder:
        trainings = Trainings(Path(folder), arguments.seed)
        for number in range(arguments.kills):
            cycle, signal_index = divmod(number, len(SIGNALS))
            kill = trainings.kill(SIGNALS[signal_index], overwrite=cycle % 2 == 1, at_the_end=cycle % 4 >= 2)
            name = signal.Signals(kill.number).name
            counts[name, kill.status, kill.outcome] += 1
            failed += bool(kill.faults)
            print(f"{number + 1}: {name} {kill.moment}: status {kill.status}, {kill.outcome}", *kill.faults, flush=True)
    print("\n| signal | status | model file | trainings |\n| --- | --- | --- | --- |")
    for (name, status, outcome), count in sorted(counts.items()):
        print(f"| {name} | {status} | {outcome} | {count} |")
    print(f"\n{arguments.kills} trainings, {failed} with a fault")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
