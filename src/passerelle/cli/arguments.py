"""Words of the command line that begin with a dash but are values, texts or files, not options."""

import re
import shlex
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from typing import Any

from cyclopts import App, Parameter, UnknownOptionError

__all__ = ["WHOLE_NUMBER", "explain_unknown_option", "prepare_arguments", "translate_command"]

STANDARD_INPUT = "/dev/stdin"
"""A name of standard input that does not look like an option; `data.files` does not open it by name."""

_OPTION = re.compile(r"--?[A-Za-z][\w-]*(=.*)?", re.DOTALL)
_READ_PAIRS = ("train", "distill", "sweep", "evaluate", "score")
_READ_TEXTS = ("translate", "encode")


def prepare_arguments(app: App, arguments: Sequence[str]) -> list[str]:
    """Rewrite words that the parser would take for options.

    A value of an option, such as `--separator -`, is joined to it: `--separator=-`. A single `-` among the files of
    pairs means standard input. Words after `--` are not changed.

    Args:
        app: all commands by name.
        arguments: the words after `passerelle`.
    """
    end = arguments.index("--") if "--" in arguments else len(arguments)
    if not any(_looks_like_a_value(word) for word in arguments[:end]):
        return list(arguments)
    command, rest = arguments[0], list(arguments[end:])
    if command not in app or command.startswith("-"):
        return list(arguments)
    return [*_rewritten(command, arguments[:end], _options_with_values(app[command])), *rest]


def _rewritten(command: str, words: Sequence[str], options: set[str]) -> Iterator[str]:
    before = ""
    for word, after in zip(words, [*words[1:], ""], strict=True):
        if before in options and _looks_like_a_value(word):
            pass  # joined to its option
        elif word in options and before not in options and _looks_like_a_value(after):
            yield f"{word}={after}"
        else:
            yield STANDARD_INPUT if word == "-" and command in _READ_PAIRS else word
        before = "" if before in options else word


def _looks_like_a_value(word: str) -> bool:
    """Return whether a word begins with a dash and is not the name of an option."""
    return word.startswith("-") and word != "--" and not _OPTION.fullmatch(word)


def _options_with_values(command: App) -> set[str]:
    return _options_of(command, lambda argument: argument.token_count()[0])


def _options_of(command: App, condition: Callable[[Any], object] = lambda argument: True) -> set[str]:
    """Return the names of the options of a command whose arguments fulfil a condition."""
    collection: Any = command.assemble_argument_collection()
    return {name for argument in collection if condition(argument) for name in argument.names if name.startswith("-")}


def explain_unknown_option(error: UnknownOptionError, app: App, command: str) -> str:
    """Return the error message for an unknown option.

    It may be that of another command, or a text or a file that begins with a dash.

    Args:
        error: the error of the parser.
        app: all commands by name.
        command: name of the command.
    """
    word = str(getattr(error.token, "value", ""))
    option = getattr(error.token, "keyword", None) or word.partition("=")[0]
    owners = [name for name in app if not name.startswith("-") and option in _options_of(app[name])]
    if owners:
        return f"Unknown option: {option}. It is an option of passerelle {', '.join(owners)}."
    looks_like_a_value = _looks_like_a_value(word)
    message = f"{word!r:.60} is not an option." if looks_like_a_value else str(error)
    kind = "texts" if command in _READ_TEXTS else "files"
    if not looks_like_a_value and command not in _READ_TEXTS:
        return message
    return f"{message}{'' if message.endswith(('.', '?')) else '.'} Write -- before {kind} that begin with a dash."


def translate_command(model: str, text: str, options: Sequence[tuple[str, str]] = ()) -> str:
    """Return the line for a shell that translates a text, which may begin with a dash, as any other word.

    Args:
        model: path of the model.
        text: the text.
        options: names of options and their values.
    """
    words = [word for name, value in options for word in _option_words(name, value)]
    words = [*words, "--", model] if model.startswith("-") else [model, *words, *["--"] * text.startswith("-")]
    return shlex.join(["passerelle", "translate", *words, text])


def _option_words(name: str, value: str) -> list[str]:
    return [f"{name}={value}"] if value.startswith("-") else [name, value]


def _whole_number(type_: Any, tokens: Sequence[Any]) -> int:
    text = tokens[0].value
    with suppress(ValueError, OverflowError):
        return int(text)
    with suppress(ValueError, OverflowError):
        if (number := float(text)).is_integer():
            return int(number)
    raise ValueError(f"expected a whole number, received: {text!r:.40}")


WHOLE_NUMBER = Parameter(converter=_whole_number)
"""Annotation of an integer option; without it, the parser rounds fractions."""
