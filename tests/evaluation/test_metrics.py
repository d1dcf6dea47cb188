"""Metrics, compared with manual counts and with sacreBLEU."""

import dataclasses
import json

import pytest
import sacrebleu

from passerelle.evaluation.metrics import Report, score

HYPOTHESES = [
    "le chat est assis sur le tapis",
    "il fait très chaud aujourd'hui",
    "je ne sais pas où elle habite",
    "bonjour à tous",
]
REFERENCES = [
    ["le chat est assis sur le tapis", "le chat est sur le tapis"],
    ["il fait chaud aujourd'hui", "il fait bien chaud aujourd'hui", "quelle chaleur aujourd'hui"],
    ["je ne sais pas où elle vit"],
    ["bonjour à toutes et à tous"],
]


@pytest.mark.parametrize(
    ("hypotheses", "references", "exact"),
    [
        (["a"], [["a"]], 1),
        (["a"], [["b", "c", "a"]], 1),
        (["a "], [["a"]], 0),
        (["A"], [["a"]], 0),
        (["x\u202f!"], [["x !", "x\u00a0!"]], 0),
        (["", "b"], [[""], ["b"]], 2),
        (["a", "a", "z"], [["a"], ["b"], ["b", "z"]], 2),
    ],
)
def test_exact_match(hypotheses, references, exact):
    report = score(hypotheses, references)
    assert (report.sources, report.exact) == (len(hypotheses), exact)
    assert report.exact_match == pytest.approx(100 * exact / len(hypotheses))


@pytest.mark.parametrize(
    ("hypotheses", "references", "edits", "characters"),
    [
        (["kitten"], [["sitting"]], 3, 7),
        (["chat"], [["chat"]], 0, 4),
        ([""], [["abcd"]], 4, 4),
        (["abcdefgh"], [["ab"]], 6, 2),  # more edits than characters: more than 100 %
        (["abc"], [["xyz", "abd"]], 1, 3),  # the nearest reference counts, in any order
        (["abc"], [["abd", "xyz"]], 1, 3),
        (["abc", "ab"], [["abd"], ["abcdefg"]], 6, 10),  # sums, not the mean of rates
        (["e\u0301"], [["é"]], 2, 1),  # code points without normalization
        (["👩"], [["👨"]], 1, 1),
        (["ca"], [["ac"]], 2, 2),  # a transposition is two edits
    ],
)
def test_character_error_rate_of_words(hypotheses, references, edits, characters):
    assert score(hypotheses, references).character_error_rate == pytest.approx(100 * edits / characters)


def edit_distance(left, right):
    """Return the Levenshtein distance (Wagner-Fischer algorithm)."""
    row = list(range(len(right) + 1))
    for i, a in enumerate(left, start=1):
        before, row[0] = row[0], i
        for j, b in enumerate(right, start=1):
            before, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, before + (a != b))
    return row[-1]


def test_character_error_rate_of_sentences():
    edits = characters = 0
    for hypothesis, answers in zip(HYPOTHESES, REFERENCES, strict=True):
        nearest = min(answers, key=lambda answer: (edit_distance(hypothesis, answer), len(answer)))
        edits += edit_distance(hypothesis, nearest)
        characters += len(nearest)
    assert score(HYPOTHESES, REFERENCES).character_error_rate == pytest.approx(100 * edits / characters)


@pytest.mark.parametrize("count", [1, 2, 3, 4])
def test_bleu_and_chrf_equal_sacrebleu(count):
    hypotheses, references = HYPOTHESES[:count], REFERENCES[:count]
    largest = max(len(answers) for answers in references)
    streams = [[answers[k] if k < len(answers) else None for answers in references] for k in range(largest)]
    report = score(hypotheses, references)
    assert report.bleu == pytest.approx(sacrebleu.corpus_bleu(hypotheses, streams).score)
    assert report.chrf == pytest.approx(sacrebleu.corpus_chrf(hypotheses, streams).score)


def test_bleu_equals_its_formula():
    # One of 7 words is wrong: 6/7 unigrams, 4/6 bigrams, 2/5 trigrams and 1/4 4-grams match; no brevity penalty.
    report = score(["a b c d e f g"], [["a b c d x f g"]])
    assert report.bleu == pytest.approx(100 * (6 / 7 * 4 / 6 * 2 / 5 * 1 / 4) ** 0.25)


def test_more_references_do_not_lower_scores():
    one, more = (score(HYPOTHESES, refs) for refs in ([r[:1] for r in REFERENCES], REFERENCES))
    # Not BLEU: another reference also changes the reference length in its brevity penalty.
    assert more.exact >= one.exact
    assert more.chrf >= one.chrf
    assert more.character_error_rate <= one.character_error_rate


def test_correct_translations_score_100():
    report = score([answers[-1] for answers in REFERENCES], REFERENCES)
    assert (report.exact_match, report.character_error_rate) == (100.0, 0.0)
    assert report.bleu == pytest.approx(100.0)
    assert report.chrf == pytest.approx(100.0)


def test_wrong_translations_score_near_0():
    report = score(["xx xx xx xx"] * 2, [["a b c d"], ["e f g h"]])
    assert report.exact == 0
    assert report.bleu < 5
    assert report.chrf < 5


def test_signatures_are_those_of_sacrebleu():
    report = score(HYPOTHESES, REFERENCES)
    version = sacrebleu.__version__
    assert report.bleu_signature == f"nrefs:var|case:mixed|eff:no|tok:13a|smooth:exp|version:{version}"
    assert report.chrf_signature == f"nrefs:var|case:mixed|eff:yes|nc:6|nw:0|space:no|version:{version}"
    single = score(HYPOTHESES, [answers[:1] for answers in REFERENCES])
    assert single.bleu_signature.startswith("nrefs:1|")


@pytest.mark.parametrize(
    ("hypotheses", "references"),
    [([], []), (["a"], []), (["a"], [["a"], ["b"]]), (["a"], [[]]), (["a", "b"], [["a"], []])],
)
def test_invalid_arguments_are_errors(hypotheses, references):
    with pytest.raises(ValueError, match="must have the same length, at least 1, and each hypothesis at least one ref"):
        score(hypotheses, references)


def test_report_is_frozen_and_converts_to_text_and_json():
    report = score(HYPOTHESES, REFERENCES)
    with pytest.raises(dataclasses.FrozenInstanceError):
        report.exact = 9
    assert Report(**json.loads(json.dumps(dataclasses.asdict(report)))) == report
    lines = str(report).splitlines()
    assert [line.split()[0] for line in lines] == ["exact", "CER", "BLEU", "chrF"]
    assert lines[0].endswith("1 of 4 sources")
    assert f"{report.bleu:.2f}" in lines[2]
    assert report.bleu_signature in lines[2]
    assert report.chrf_signature in lines[3]


@pytest.mark.parametrize(
    ("references", "tokenizer"),
    [
        (["我喜欢吃苹果。", "他住在北京。"], "zh"),
        (["彼はとても疲れている。", "私は猫が好きです。"], "char"),
        (["ฉันชอบกินแอปเปิ้ล"], "char"),
        (["나는 정말로 그 고양이를 좋아한다."], "13a"),
        (["Il est très fatigué."], "13a"),
    ],
)
def test_the_tokenizer_of_bleu_fits_the_script(references, tokenizer):
    report = score(references, [[text] for text in references])
    assert report.bleu == pytest.approx(100.0)
    assert f"|tok:{tokenizer}|" in report.bleu_signature


@pytest.mark.parametrize(
    ("references", "reason"),
    [
        (["walked", "talked"], "not meaningful: references have 1 to 3 words"),
        (["k æ t", "d ɒ ɡ"], "not meaningful: references have 1 to 3 words"),
        (["Va !", "Cours !"], "not meaningful: references have 1 to 3 words"),
        (["走", "跑步"], "not meaningful: references have 1 to 3 characters"),
        (["Va !"] * 19 + ["Il est très fatigué."], "not meaningful: 95.0 % of the references have 1 to 3 words"),
    ],
)
def test_bleu_of_short_references_is_not_meaningful(references, reason):
    report = score(references, [[text] for text in references])
    assert (report.bleu, report.bleu_missing, report.exact_match) == (None, reason, 100.0)
    assert str(report).splitlines()[2] == f"BLEU         {reason}"
    assert json.loads(json.dumps(dataclasses.asdict(report)))["bleu"] is None
