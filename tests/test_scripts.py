"""Scripts that are written without spaces."""

import pytest

from passerelle.scripts import Letters, has_no_spaces

CHINESE, JAPANESE, THAI = "我喜欢吃苹果。", "彼はとても疲れているようです。", "ฉันชอบกินแอปเปิ้ลมาก"


@pytest.mark.parametrize("text", [CHINESE, JAPANESE, THAI, "走", f"{THAI} {THAI}"])
def test_texts_without_spaces(text: str) -> None:
    assert Letters.of([text] * 3).without_spaces
    assert has_no_spaces([text] * 3)


@pytest.mark.parametrize(
    "text", ["", "...", "Il est fatigué.", "나는 고양이를 좋아한다.", "Я тебя люблю", "东 means east"]
)
def test_texts_with_spaces(text: str) -> None:
    assert not Letters.of([text] * 3).without_spaces
    assert not has_no_spaces([text] * 3)


def test_mixed_scripts() -> None:
    assert Letters.of(["USB 充电线 5V"]).without_spaces
    assert not has_no_spaces(["USB 充电线 5V"])


def test_words_that_were_split_with_spaces() -> None:
    assert Letters.of(["我 喜欢 吃 苹果 。"]).without_spaces
    assert not has_no_spaces(["我 喜欢 吃 苹果 。", "ฉัน ชอบ กิน แอปเปิ้ล"])
