"""Inference without `Translator`: requests to results, equal to those of the translator."""

import json
from typing import Any

import numpy as np
import pytest

from passerelle.errors import DataError
from passerelle.inference.alignment import Aligner
from passerelle.inference.encoding import TextEncoder
from passerelle.inference.evaluating import evaluate
from passerelle.inference.model import InferenceModel, ensemble_of
from passerelle.inference.request import Request, make_requests
from passerelle.inference.result import result_json
from passerelle.inference.scoring import Scorer
from passerelle.inference.search import Search
from passerelle.settings import SearchSettings
from passerelle.translator import Translator
from untrained import untrained

ROWS = [("ab.", "x", "s"), ("b a!", "yx", "t"), ("a", "y", "s")]
REQUESTS = [Request("ab.", "s"), Request("", "t"), Request("ab. b a! ab.", "t"), Request("ba", "")]
TEXTS, TAGS = [request.text for request in REQUESTS], [request.tags or "" for request in REQUESTS]


@pytest.fixture(scope="module")
def tagged() -> Translator:
    return untrained(ROWS, tag_mode="inline")


@pytest.fixture(scope="module")
def model(tagged: Translator) -> InferenceModel:
    return InferenceModel([tagged.network.stepper], tagged.signature, tagged.lengths)


def test_make_requests(model: InferenceModel) -> None:
    assert make_requests(TEXTS, TAGS, model.signature) == REQUESTS
    assert make_requests(["a", "b"], "s", model.signature) == [Request("a", "s"), Request("b", "s")]
    with pytest.raises(DataError, match="requires `tags` for each text"):
        make_requests(["a"], None, model.signature)


def test_search_align_encode_score_and_evaluate(tagged: Translator, model: InferenceModel) -> None:
    settings = SearchSettings(beam=2, n_best=2)
    found = Search(model)(REQUESTS, settings)
    assert found == tagged.n_best(TEXTS, 2, tags=TAGS)
    best = [results[0] for results in found]
    assert [result.source for result in best] == TEXTS
    assert best[2].parts == 3
    for one, other in zip(Aligner(model)(REQUESTS, best), tagged.align(best, tags=TAGS), strict=True):
        assert (one.source, one.target, one.links) == (other.source, other.target, other.links)
    vectors = TextEncoder(tagged.network, model.signature)(REQUESTS)
    np.testing.assert_array_equal(vectors, tagged.encode(TEXTS, tags=TAGS))
    pairs = [(Request(source, tags), target) for source, target, tags in ROWS]
    assert Scorer(model)(pairs) == tagged.score(ROWS)
    assert evaluate(Search(model), ROWS, SearchSettings()) == tagged.evaluate(ROWS)


def test_an_ensemble_is_a_model(model: InferenceModel) -> None:
    both = ensemble_of([model, model], weights=[1.0, 2.0])
    assert len(both.steppers) == 2
    one, two = (Search(own)(REQUESTS[:1], SearchSettings())[0][0] for own in (model, both))
    assert one.text == two.text
    np.testing.assert_allclose(one.score, two.score, rtol=1e-4)


def test_result_json(model: InferenceModel) -> None:
    (results,) = Search(model)(REQUESTS[:1], SearchSettings(beam=2, n_best=2))
    alignments = Aligner(model)([REQUESTS[0]] * len(results), results)
    content: dict[str, Any] = json.loads(json.dumps(result_json(results, model.signature, alignments)))
    assert list(content) == ["source", "unknown", "parts", "split_by", "translations"]
    for translation, result in zip(content["translations"], results, strict=True):
        names = ["text", "score", "log_probability", "finished", "tokens", "probabilities", "alignment"]
        assert list(translation) == names
        assert "".join(translation["tokens"]) == translation["text"] == result.text
    (impossible,) = Search(model)(REQUESTS[:1], SearchSettings(prefix="xyxyxy", max_length=2))
    (empty,) = result_json(impossible, model.signature)["translations"]
    assert (empty["score"], empty["log_probability"], "alignment" in empty) == (None, None, False)


def test_copied_tokens_are_texts_in_json() -> None:
    """Tokens that no vocabulary contains, also of a text that was split into parts."""
    translator = untrained([("ab", "x"), ("ba", "yx")], {"copying": True}, seed=7)
    texts = ["qrs", "zq", " ".join(["qz."] * 9)]
    found = translator.n_best(texts, 4, max_length=5)
    assert found[2][0].parts > 1
    assert any(result.copied for results in found for result in results)
    for results in found:
        content = result_json(results, translator.signature)["translations"]
        for translation, result in zip(content, results, strict=True):
            size = translator.target.vocabulary.size
            assert len(result.copied) == sum(identifier >= size for identifier in result.ids)
            assert len(translation["tokens"]) == len(result.ids)
            assert "".join(translation["tokens"]) == result.text.replace(" ", "")
