"""Translation of many texts in blocks: order, time limit, repetition after an interruption, texts without a result."""

from typing import Any

import pytest
from fakes import FakeTranslator, fake_writer

from passerelle.synthetic.block_translation import FIRST_BLOCK, UNUSABLE, Journal, Progress, write

TEXTS = [(f"text {number}", "") for number in range(3000)]


class Clock:
    """A clock that only a fake translator moves on: a thousandth of a second for each text."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now

    def tick(self, rows: int) -> None:
        self.now += rows / 1000


def test_each_text_is_translated_once_in_random_order() -> None:
    translator = FakeTranslator()
    written = write(fake_writer(translator), TEXTS, seed=1)
    assert written == {text: text[0].upper() for text in TEXTS}
    order = [text for block in translator.blocks for text in block]
    assert sorted(order) == sorted(text for text, _ in TEXTS)
    assert order != [text for text, _ in TEXTS]
    assert len(translator.blocks[0]) == FIRST_BLOCK


def test_progress_and_time_left() -> None:
    clock, reports = Clock(), list[Progress]()
    writer = fake_writer(FakeTranslator(tick=clock.tick))
    write(writer, TEXTS, seed=1, clock=clock, journal=Journal(report=reports.append))
    assert reports[0] == Progress(FIRST_BLOCK, 3000, None)
    assert (reports[-1].done, reports[-1].seconds_left) == (3000, 0.0)


def test_the_time_limit_leaves_a_random_rest() -> None:
    clock = Clock()
    writer = fake_writer(FakeTranslator(tick=clock.tick))
    written = write(writer, TEXTS, seed=1, ends=clock.now + 1.0, clock=clock)
    assert clock.now == pytest.approx(101.0, abs=0.02)
    assert 980 <= len(written) <= 1020
    assert len(set(written) & set(TEXTS[:1500])) > 400, "not the first texts, nor the last ones"


def test_without_any_time_the_first_block_is_translated() -> None:
    assert len(write(fake_writer(), TEXTS, seed=1, ends=0.0)) == FIRST_BLOCK


def test_an_interrupted_translation_continues_where_it_ended() -> None:
    kept: dict[Any, str] = {}

    class InterruptedTranslator(FakeTranslator):
        def search(self, texts: Any, **options: Any) -> Any:
            if len(self.blocks) == 1:
                raise KeyboardInterrupt
            return super().search(texts, **options)

    with pytest.raises(KeyboardInterrupt):
        write(fake_writer(InterruptedTranslator()), TEXTS, seed=1, journal=Journal(keep=kept.update))
    assert len(kept) == FIRST_BLOCK
    translator = FakeTranslator()
    written = write(fake_writer(translator), TEXTS, seed=1, journal=Journal(known=kept))
    assert written == {text: text[0].upper() for text in TEXTS}
    assert sum(map(len, translator.blocks)) == len(TEXTS) - FIRST_BLOCK


def test_translations_that_cannot_be_used() -> None:
    texts = [(f"{kind} {number}", "") for kind in ("good", "empty", "cut", "unknown", "long") for number in range(3)]
    kept: dict[Any, str] = {}
    written = write(fake_writer(), texts, seed=1, journal=Journal(keep=kept.update))
    assert {text for text, translation in written.items() if translation != UNUSABLE} == set(texts[:3])
    assert kept == written, "they are kept, so that they are not translated again"
