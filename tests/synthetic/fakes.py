"""A translator that needs no network: it writes the source in upper case."""

from collections.abc import Callable, Sequence
from types import SimpleNamespace
from typing import Any

from passerelle.errors import LongTextError
from passerelle.inference.result import Result
from passerelle.settings import SearchSettings, TagSettings
from passerelle.special_tokens import UNK
from passerelle.synthetic.writer import Writer


class FakeTranslator:
    """Writes the tags and the source in upper case.

    A source that begins with `empty` or `cut` or `unknown` has a translation that cannot be used, and one that begins
    with `long` does not fit into memory.
    """

    def __init__(self, tags: TagSettings | None = None, tick: Callable[[int], object] = lambda rows: None):
        tags = tags or TagSettings()
        self.settings = SimpleNamespace(tags=tags)
        self.signature = SimpleNamespace(tagged=tags.mode != "none")
        self.stored_search = SearchSettings()
        self.blocks: list[list[str]] = []
        self._tick = tick

    def search(self, texts: Sequence[str], *, tags: Sequence[str] | None = None, **options: Any) -> list[Result]:
        assert (tags is not None) == self.signature.tagged
        for row, text in enumerate(texts):
            if text.startswith("long"):
                raise LongTextError(row, "requires too much memory")
        self.blocks.append(list(texts))
        self._tick(len(texts))
        return [self._result(text, tag) for text, tag in zip(texts, tags or [""] * len(texts), strict=True)]

    def _result(self, text: str, tags: str) -> Result:
        written = "" if text.startswith("empty") else f"{tags}{text.upper()}"
        ids = (UNK,) if text.startswith("unknown") else (5,)
        return Result(text, written, -1.0, -1.0, ids, (), (), not text.startswith("cut"))


def fake_writer(translator: Any = None) -> Writer:
    return Writer(translator or FakeTranslator(), (), {})
