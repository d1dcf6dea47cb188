"""JSON of a model file: parsed within limits, so that a small file cannot become a large amount of objects."""

import json
from typing import Any

from passerelle.errors import ModelFileError

__all__ = ["parse_json"]

MAX_CONTAINERS = 2**18
"""Maximum number of lists, and of objects; real files have one for each field, setting section and epoch."""

MAX_KEYS = 2**20
"""Maximum number of keys; real files have five for each epoch."""

MAX_DEPTH = 100
"""Maximum number of nested lists and objects; real files have six."""

MAX_DIGITS = 300
"""Maximum number of digits of an integer, so that it can be converted to a float."""


def parse_json(data: bytes, name: str) -> Any:
    """Parse JSON in UTF-8.

    Args:
        data: the text.
        name: its name, for messages.

    Raises:
        ModelFileError: if it is not UTF-8 or not JSON, or exceeds a limit.
    """
    # Characters in strings count too; the limits leave room for them.
    if data.count(b"[") > MAX_CONTAINERS or data.count(b"{") > MAX_CONTAINERS or data.count(b":") > MAX_KEYS:
        raise ModelFileError(f"{name} has too many lists, objects or keys")
    try:
        value = json.loads(data.decode(), parse_int=_parse_int)
    except (ValueError, RecursionError) as error:
        raise ModelFileError(f"{name} is damaged ({error})") from None
    level = [value]
    for _ in range(MAX_DEPTH):
        level = [
            child
            for item in level
            if isinstance(item, list | dict)
            for child in (item.values() if isinstance(item, dict) else item)
            if isinstance(child, list | dict)
        ]
        if not level:
            return value
    raise ModelFileError(f"{name} has more than {MAX_DEPTH} nested lists and objects")


def _parse_int(text: str) -> int:
    if len(text) > MAX_DIGITS:
        raise ValueError(f"a number has {len(text):,} digits")
    return int(text)
