"""The commands by name. Each is imported when it runs, so that `--help` does not wait for Keras."""

from cyclopts import App

import passerelle
from passerelle.cli.groups import ARGUMENTS, IN_GROUP

__all__ = ["app"]

app = App(
    name="passerelle",
    help="Pairs of texts in, one self-contained .keras translator out.",
    version=passerelle.__version__,
    version_flags=["--version"],
    result_action="return_value",
    suppress_keyboard_interrupt=False,
)

_COMMANDS = {
    "train": "Train a translator on a file of pairs.",
    "translate": "Translate texts, or the lines of standard input.",
    "evaluate": "Translate the sources of a file of pairs and compare with its targets.",
    "score": "Say how likely a translator finds each pair of a file.",
    "encode": "Write the encoder's vector of each text into a NumPy file.",
    "describe": "Print a model's settings, vocabularies, size and training record.",
    "diagram": "Draw the three models of a translator, with shapes.",
    "settings": "Print all settings as Markdown tables: values, defaults, flags, meanings.",
    "presets": "List the presets of train, and what each is for.",
    "phrasebook": "Print the built-in English-French pairs, tab-separated.",
    "demo": "Train on the built-in phrasebook and translate what was never seen.",
    "download": "Fetch a well-known file of pairs.",
}
for _name, _help in _COMMANDS.items():
    app.command(
        f"passerelle.cli.{_name}:{_name}",
        name=_name,
        help=_help,
        group_arguments=ARGUMENTS,
        group_parameters=IN_GROUP["Output"],  # of options without a group of their own
    )
