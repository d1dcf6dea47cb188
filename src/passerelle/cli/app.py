"""All commands by name. A command's module is imported when it runs, so that `--help` does not wait for Keras."""

from cyclopts import App

import passerelle
from passerelle.cli.groups import ARGUMENTS, IN_GROUP

__all__ = ["app"]


def _examples(*commands: str) -> str:
    """Return the end of a help text, in Markdown: examples, one per line."""
    return "Examples:\n\n" + "\\\n".join(f"`{command}`" for command in commands)


app = App(
    name="passerelle",
    help=(
        "Train neural translation models on your own pairs of texts, and translate with them; forecast time series.\n\n"
        "The models are sequence-to-sequence networks in Keras (LSTM, GRU or Transformer, encoder-decoder, attention). "
        "A trained model, a translator, is one .keras file.\n\n"
        "Options of a command: passerelle COMMAND --help"
    ),
    help_epilogue=_examples(
        "passerelle demo",
        "passerelle train pairs.tsv --out model.keras",
        'passerelle translate model.keras "He is tired."',
    ),
    version=passerelle.__version__,
    version_flags=["--version"],
    result_action="return_value",
    suppress_keyboard_interrupt=False,
)

# Each command: its help, of which the list of commands shows the first paragraph, and its examples.
_COMMANDS = {
    "train": (
        "Train a translator on a file of pairs.\n\n"
        "Prints the training and validation loss of each epoch and writes a model file. Ctrl-C stops training and "
        "saves the best checkpoint so far; --resume continues, also after a crash. Existing files are only replaced "
        "with --overwrite.",
        (
            "passerelle train pairs.tsv --epochs 10 --out model.keras",
            "passerelle train --resume model.run",
            "passerelle train new.tsv --from model.keras --mix pairs.tsv:0.5",
        ),
    ),
    "translate": (
        "Translate texts, the lines of a file, or the lines of standard input.\n\n"
        "Writes one line per translation, to standard output or to a file.",
        (
            'passerelle translate model.keras "He is tired." --beam 5 --n-best 3',
            "passerelle translate model.keras --in source.txt --out target.txt",
            "passerelle translate model.keras --in in.txt --out 'out.{shard}' --shard 1/4",
        ),
    ),
    "distill": (
        "Train one translator on the translations of an ensemble (sequence-level knowledge distillation).\n\n"
        "The teachers translate the training sources, and sources without references (monolingual data); the student "
        "is trained on their translations and the references. Options are those of passerelle train.",
        (
            "passerelle distill p.tsv --teacher a.keras --teacher b.keras --out c.keras",
            "passerelle distill p.tsv --teacher a.keras --sources s.txt --out c.keras",
        ),
    ),
    "sweep": (
        "Train with many different settings, and keep the best translator (hyperparameter search with Optuna).\n\n"
        "SPACE is a TOML file with one table per setting: low and high, or choices. Writes the best model, and a "
        "folder BEST.sweep with the results of all trials. Requires the extra sweep.",
        (
            "passerelle sweep space.toml pairs.tsv --trials 30 --out best.keras",
            "passerelle sweep space.toml pairs.tsv --trials 60 --out best.keras --resume",
        ),
    ),
    "evaluate": (
        "Measure the quality of translations on a file of pairs: exact match, character error rate, BLEU and chrF.\n\n"
        "Translates the sources and compares the translations with the targets. For a fair result, the pairs must not "
        "have been used for training.",
        (
            "passerelle evaluate model.keras test.tsv",
            "passerelle evaluate model.keras test.tsv --beam 5 --json",
        ),
    ),
    "train-forecaster": (
        "Train a forecaster on time series: numbers from the numbers before them.\n\n"
        "Prints the losses of each epoch, and the scores of the forecaster and of simple forecasts on the validation "
        "windows, which are later than all training windows; writes a model file.",
        (
            "passerelle train-forecaster a.csv --target power --history 14 --horizon 7",
            "passerelle train-forecaster windows.npz --out model.keras",
        ),
    ),
    "predict": (
        "Forecast the values that follow the end of each time series, with quantiles.",
        ("passerelle predict power.keras power.csv --out forecast.csv --plot forecast.svg",),
    ),
    "evaluate-forecaster": (
        "Measure the quality of forecasts on time series: MAE, RMSE, MASE, sMAPE, pinball loss and coverage.\n\n"
        "Prints the scores of the naive forecast, the seasonal naive forecast and ridge regression beside them. For a "
        "fair result, the times must be later than those of training.",
        ("passerelle evaluate-forecaster power.keras later.csv",),
    ),
    "score": (
        "Print the log probability and the perplexity of the target of each pair (forced decoding).\n\n"
        "Columns, separated by tabs: log probability of the target in nats; log probability per token; perplexity per "
        "character; source; target; tags, if any. Tabs and line ends inside texts become spaces. If the model cannot "
        "write a target, its log probability is -inf and its perplexity inf.",
        (
            "passerelle score model.keras pairs.tsv > scores.tsv",
            "passerelle score model-1.keras pairs.tsv --with model-2.keras --json",
        ),
    ),
    "encode": (
        "Write the encoder's vector (sentence embedding) of each text to a NumPy file.",
        (
            'passerelle encode model.keras "He is tired." "I am cold." --out vectors.npy',
            "passerelle encode model.keras --out vectors.npy < source.txt",
        ),
    ),
    "describe": (
        "Print a model's settings, vocabularies, size and training record.\n\n"
        "The output is a settings file (TOML) for passerelle train --settings; everything except the settings is in "
        "comments.",
        (
            "passerelle describe model.keras",
            "passerelle describe model.keras > settings.toml",
        ),
    ),
    "diagram": (
        "Draw the training model, the inference encoder and the inference decoder, with shapes, as SVG files.",
        ("passerelle diagram model.keras --out diagrams",),
    ),
    "settings": (
        "Print all settings as Markdown tables: names, allowed values, defaults, flags and descriptions.",
        ("passerelle settings",),
    ),
    "presets": (
        "List the presets of passerelle train, with the purpose and the training time of each.",
        ("passerelle presets",),
    ),
    "phrasebook": (
        "Print the built-in English-French pairs, separated by tabs.",
        (
            "passerelle phrasebook > pairs.tsv",
            "passerelle phrasebook --part held-out > test.tsv",
        ),
    ),
    "demo": (
        "Train on the built-in phrasebook and translate sentences that are not in the training pairs.\n\n"
        "Takes two to three minutes on two processor cores.",
        (
            "passerelle demo",
            "passerelle demo --level character --epochs 10 --out demo-character",
        ),
    ),
    "download": (
        "Download a well-known file of pairs.",
        ("passerelle download fra-eng",),
    ),
}
# Usage lines in which cyclopts would call the texts ARGS.
_USAGES = {
    "train": "Usage: passerelle train [OPTIONS] PAIRS...\n       passerelle train --resume MODEL.run",
    "sweep": "Usage: passerelle sweep [OPTIONS] SPACE PAIRS... --out BEST.keras",
    "translate": "Usage: passerelle translate [OPTIONS] MODEL [TEXTS...]",
    "encode": "Usage: passerelle encode [OPTIONS] MODEL [TEXTS...] --out FILE",
}
for _name, (_help, _commands) in _COMMANDS.items():
    app.command(
        f"passerelle.cli.{_name.replace('-', '_')}:{_name.replace('-', '_')}",
        name=_name,
        help=_help,
        usage=_USAGES.get(_name),
        help_epilogue=_examples(*_commands),
        group_arguments=ARGUMENTS,
        group_parameters=IN_GROUP["Output"],  # of options that name no group
    )
