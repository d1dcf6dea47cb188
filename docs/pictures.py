"""Make the pictures of the documentation, docs/pictures/*.svg, from real output of the program.

Run it as `make pictures`; it trains the demo, which takes minutes. Two runs on one machine write equal files, except
for the seconds and the time left in demo.svg.
"""

import argparse
import os
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from xml.sax.saxutils import escape

import passerelle
from passerelle.cli.diagram import write_diagrams
from passerelle.experiment.building import build
from passerelle.plots.theme import BACKGROUND, BORDER, INK, INPUT, MONO, MUTED, adapt_to_dark_pages
from passerelle.preparation import prepare
from passerelle.settings import choose_settings

PICTURES = Path(__file__).with_name("pictures")

MODEL = "demo/phrasebook.keras"
DEMO = ["passerelle", "demo"]
TRANSLATIONS = [
    ["passerelle", "translate", MODEL, "She is not young."],
    ["passerelle", "translate", MODEL, "--beam", "5", "--n-best", "3", "--scores", "She is not young."],
    ["passerelle", "translate", MODEL, "--align", "Marie wants this red coat."],
]
ALIGNED = TRANSLATIONS[-1][-1]

ELLIPSIS = "  …"
COLUMNS = 120
FONT, CHARACTER, LINE, MARGIN = 14.0, 8.5, 20.0, 18.0
"""Sizes in pixels: of the font, the width of a character, the height of a line, the margin."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, help="work folder; a demo that it contains is not trained again")
    folder = parser.parse_args().folder
    folder.mkdir(parents=True, exist_ok=True)
    PICTURES.mkdir(exist_ok=True)
    log = folder / "demo.log"
    if not log.exists():
        log.write_text(output_of(DEMO, folder), encoding="utf-8")
    sessions = [(DEMO, shortened(log.read_text(encoding="utf-8")))]
    sessions += [(command, output_of(command, folder)) for command in TRANSLATIONS]
    output_of(["passerelle", "translate", MODEL, "--pictures", "attention", ALIGNED], folder)
    pictures = {
        "demo": draw_terminal(
            sessions, title="A terminal: passerelle demo trains a translator, which then translates sentences"
        ),
        "loss": (folder / "demo/loss.svg").read_text(encoding="utf-8"),
        "attention": (folder / "attention/1.svg").read_text(encoding="utf-8"),
    }
    for name, picture in pictures.items():
        (PICTURES / f"{name}.svg").write_text(picture, encoding="utf-8")
    # The diagrams show shapes, which do not depend on training.
    prepared = prepare(passerelle.phrasebook(), choose_settings(preset="tutorial"))
    write_diagrams(build(prepared), PICTURES)


def output_of(command: list[str], folder: Path) -> str:
    """Run a command of Passerelle in `folder`; return its messages and its output, in the order of a terminal."""
    program = Path(sys.executable).with_name(command[0])
    environment = os.environ | {"PYTHONUNBUFFERED": "1", "PYTHONUTF8": "1"}
    streams = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "encoding": "utf-8"}
    done = subprocess.run([program, *command[1:]], cwd=folder, env=environment, check=False, **streams)
    if done.returncode:
        sys.exit(f"{shlex.join(command)} failed:\n{done.stdout}")
    return done.stdout


def shortened(log: str) -> str:
    """Return the demo's output up to its second epoch, its last epoch, and the scores; ellipses replace the rest."""
    lines = log.splitlines()
    epochs = [at for at, line in enumerate(lines) if line.startswith("epoch ")]
    scores = next(at for at, line in enumerate(lines) if line.startswith("On all "))
    end = lines.index("", scores)
    parts = [lines[: epochs[2]], lines[epochs[-1] : epochs[-1] + 2], lines[scores:end]]
    return f"\n{ELLIPSIS}\n".join("\n".join(part) for part in parts)


def draw_terminal(sessions: list[tuple[list[str], str]], *, title: str) -> str:
    """Draw commands and their outputs as a terminal shows them."""
    lines = list(terminal_lines(sessions))
    width, height = COLUMNS * CHARACTER + 2 * MARGIN, len(lines) * LINE + 2 * MARGIN
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" role="img" width="{width:g}" height="{height:g}" '
        f'viewBox="0 0 {width:g} {height:g}" font-family="{MONO}" font-size="{FONT:g}">',
        f"<title>{escape(title)}</title>",
        f'<rect x="0.5" y="0.5" width="{width - 1:g}" height="{height - 1:g}" rx="12" fill="{BACKGROUND}" '
        f'stroke="{BORDER}"/>',
    ]
    for number, (length, content) in enumerate(lines):
        baseline = MARGIN + LINE * number + FONT
        # The length keeps columns aligned in every font.
        place = f'x="{MARGIN:g}" y="{baseline:g}" textLength="{length * CHARACTER:g}"'
        parts.append(f'<text {place} xml:space="preserve">{content}</text>')
    return adapt_to_dark_pages("\n".join([*parts, "</svg>", ""]))


def terminal_lines(sessions: list[tuple[list[str], str]]) -> Iterator[tuple[int, str]]:
    """Yield the number of characters and the SVG content of each line; long lines are wrapped."""
    for command, output in sessions:
        typed = " ".join(f'"{word}"' if " " in word else word for word in command)
        prompt = f'<tspan fill="{MUTED}">$ </tspan>'
        yield len(typed) + 2, f'{prompt}<tspan fill="{INPUT}" font-weight="600">{escape(typed)}</tspan>'
        for line in output.rstrip().splitlines():
            text = line.expandtabs()
            colour = MUTED if line == ELLIPSIS else INK
            for start in range(0, max(len(text), 1), COLUMNS):
                part = text[start : start + COLUMNS]
                yield len(part), f'<tspan fill="{colour}">{escape(part)}</tspan>'


if __name__ == "__main__":
    main()
