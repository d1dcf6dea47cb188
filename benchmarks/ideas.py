"""Ideas for better translations of sentences, each compared with the preset `transformer` on the validation sources.

The split is that of run.py. All networks see about the same number of pairs: twelve times the training pairs, of which
some ideas replace a part by other pairs. Unlabelled texts are the next sentences of the file. Models and results are
stored in `--out`, and an interrupted run continues from there; remove the folder to start over.
"""

import argparse
import itertools
import json
import random
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import passerelle
from passerelle.data.pairs import Pairs, joined, references
from passerelle.data.writing import write_atomically
from passerelle.evaluation.metrics import score
from passerelle.special_tokens import UNK
from passerelle.text.subword import BYTES, SubwordTokenizer
from passerelle.text.tokenizer import words
from passerelle.text.vocabulary import Vocabulary
from run import DATA, HERE, split_files

EPOCHS = 12
SETTINGS: dict[str, Any] = {"network": {"dropout": 0.1}, "training": {"epochs": EPOCHS}}
SUBWORDS = 1_000
SUBWORD_DROPOUT = 0.1
CYCLES = 3
BEAM = 5
CANDIDATES = 10
WEIGHTS = (0.0, 0.1, 0.2, 0.3, 0.5, 0.7, 1.0)
"""Weights of the reverse model in the noisy channel."""

Result = dict[str, list[float]]


class Task:
    """The files, and the models that several ideas use."""

    def __init__(self, pairs: Path, limit: int, out: Path):
        files = split_files(pairs, limit, out)
        self.training, self.validation, test = (passerelle.read_pairs(path) for path in files.values())
        self._known = {text for part in (self.training, self.validation, test) for pair in part for text in pair}
        self._rest = (pairs, limit)
        self.folder = out / "ideas"
        self.folder.mkdir(parents=True, exist_ok=True)

    def unlabelled(self, column: int) -> list[str]:
        """Return as many texts of a column, 0 or 1, as there are training pairs; none of them is in the three files."""
        path, limit = self._rest
        texts = (pair[column] for pair in list(passerelle.read_pairs(path))[limit:])
        return [text for text in dict.fromkeys(texts) if text not in self._known][: len(self.training)]

    def model(self, name: str, train: Callable[[], passerelle.Translator]) -> passerelle.Translator:
        """Return the stored model of this name; train it if there is none."""
        path = self.folder / f"{name}.keras"
        if not path.exists():
            print(f"{path}: training", flush=True)
            train().save(path)
        return passerelle.load(path)

    def trained(self, name: str, pairs: Pairs | None = None, **options: Any) -> passerelle.Translator:
        """Return a model of the preset `transformer`, or of the one among the options, by level word."""
        options = {"preset": "transformer", "settings": SETTINGS, "validation": self.validation} | options
        return self.model(name, lambda: passerelle.train(pairs or self.training, **options))

    def teachers(self) -> list[passerelle.Translator]:
        """Return three models that differ in their seeds."""
        return [self.trained(f"seed-{seed}", seed=seed) for seed in (1, 2, 3)]

    def reverse(self) -> passerelle.Translator:
        """Return the model from target to source."""
        return self.trained("reverse", _reversed(self.training), validation=_reversed(self.validation))

    def scores(self, translate: Callable[[Sequence[str]], Iterable[str]]) -> list[float]:
        """Return exact match, BLEU and chrF of translations of the validation sources."""
        groups = references(self.validation)
        report = score(list(translate([source for source, _ in groups])), list(groups.values()))
        return [report.exact_match, report.bleu or 0.0, report.chrf]

    def result(self, translator: passerelle.Translator) -> Result:
        """Return the scores of greedy search and of a beam."""
        return {
            name: self.scores(partial(translator.translate, beam=beam))
            for name, beam in (("greedy", 1), ("beam", BEAM))
        }


def main() -> None:
    """Run the ideas without a result, then print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pairs", type=Path, default=DATA, help="default: %(default)s")
    parser.add_argument("--limit", type=int, default=10_000)
    parser.add_argument("--ideas", nargs="+", choices=IDEAS, default=list(IDEAS))
    parser.add_argument("--out", type=Path, default=HERE / "results")
    arguments = parser.parse_args()
    task = Task(arguments.pairs, arguments.limit, arguments.out)
    print("| idea | greedy: exact match, BLEU, chrF | beam of 5 |\n| --- | --- | --- |")
    for idea in arguments.ideas:
        path = task.folder / f"{idea}.json"
        if not path.exists():
            text = json.dumps(IDEAS[idea](task)).encode()
            write_atomically(path, lambda stream, text=text: stream.write(text))
        for name, result in json.loads(path.read_text(encoding="utf-8")).items():
            cells = (", ".join(f"{value:.1f}" for value in result.get(search, [])) for search in ("greedy", "beam"))
            print(f"| {name} | {' | '.join(cells)} |", flush=True)


def seeds(task: Task) -> dict[str, Result]:
    """The preset by itself, and the ensemble of three seeds."""
    models = task.teachers()
    rows = {f"the preset, seed {seed}": task.result(model) for seed, model in enumerate(models, 1)}
    return rows | {"ensemble of the three": task.result(models[0].ensemble_with(models[1:]))}


def snapshots(task: Task) -> dict[str, Result]:
    """Huang et al. 2017, arXiv:1704.00109: the ends of the cycles of a cyclic learning rate as an ensemble."""
    epochs = EPOCHS // CYCLES
    models = [task.trained("snapshot-1", settings={**SETTINGS, "training": {"epochs": epochs}})]
    rate = models[0].settings.training.learning_rate
    for cycle in range(2, CYCLES + 1):

        def tune(cycle: int = cycle) -> passerelle.Translator:
            return passerelle.fine_tune(
                task.training, models[-1], validation=task.validation, epochs=epochs, learning_rate=rate, seed=cycle
            )

        models.append(task.model(f"snapshot-{cycle}", tune))
    return {
        f"last of {CYCLES} snapshots": task.result(models[-1]),
        f"ensemble of {CYCLES} snapshots": task.result(models[0].ensemble_with(models[1:])),
    }


def mixed(task: Task) -> dict[str, Result]:
    """Two networks that differ in kind: a Transformer, and recurrent layers with attention."""
    model, other = task.teachers()[:2]
    training = {"epochs": EPOCHS, "label_smoothing": 0.1, "keep": "last", "patience": 0}
    recurrent = task.trained("attention", preset="attention", settings={"training": training}, level="word")
    return {
        "`attention` by word": task.result(recurrent),
        "ensemble of two Transformers": task.result(model.ensemble_with([other])),
        "ensemble of a Transformer and `attention`": task.result(model.ensemble_with([recurrent])),
    }


def subwords(task: Task) -> dict[str, Result]:
    """BPE-dropout (Provilkov et al. 2020, arXiv:1910.13267): each epoch has another segmentation of the words."""
    sides = [_Segmenter(texts) for texts in (task.training.sources, task.training.targets)]
    rows = {}
    for name, rate in (("subwords", 0.0), ("subwords with dropped merges", SUBWORD_DROPOUT)):
        numbers = random.Random(1)
        pairs = joined(
            replace(task.training, sources=[], targets=[]),
            (
                tuple(side(text, rate, numbers) for side, text in zip(sides, pair, strict=True))
                for _ in range(EPOCHS)
                for pair in task.training
            ),
        )
        validation = [tuple(side(text) for side, text in zip(sides, pair, strict=True)) for pair in task.validation]
        model = task.trained(
            f"subwords-{rate:g}",
            pairs,
            validation=validation,
            settings={**SETTINGS, "training": {"epochs": 1}},
            level="pretokenized",
            separator=" ",
        )

        def translate(texts: Sequence[str], beam: int, model: passerelle.Translator = model) -> list[str]:
            return [sides[1].join(text) for text in model.translate([sides[0](text) for text in texts], beam=beam)]

        rows[name] = {
            "greedy": task.scores(partial(translate, beam=1)),
            "beam": task.scores(partial(translate, beam=BEAM)),
        }
    return rows


class _Segmenter:
    """Subwords of a text, separated by spaces, with or without dropped merges.

    Args:
        texts: the texts from which the merges are learned.
    """

    def __init__(self, texts: Iterable[str]):
        self._tokenizer = SubwordTokenizer(Vocabulary(BYTES))
        self._tokenizer.build_vocabulary(texts, size=SUBWORDS)

    def __call__(self, text: str, rate: float = 0.0, numbers: random.Random | None = None) -> str:
        """Return the subwords of a text; each merge of two tokens is dropped at this rate whenever it is possible."""
        if numbers is None or not rate:
            return " ".join(self._tokenizer.split(text))
        return " ".join(token for word in words(text) for token in self._dropped(word, rate, numbers))

    def _dropped(self, word: str, rate: float, numbers: random.Random) -> list[str]:
        parts = list("".join(self._tokenizer.split(word)))[1:]  # the tokenizer writes a space before each text
        id_of = self._tokenizer.vocabulary.id_of
        while True:
            ids = {place: id_of(left + right) for place, (left, right) in enumerate(itertools.pairwise(parts))}
            possible = [place for place in ids if ids[place] != UNK and numbers.random() >= rate]
            if not possible:
                return parts
            place = min(possible, key=ids.__getitem__)
            parts[place : place + 2] = [parts[place] + parts[place + 1]]

    def join(self, text: str) -> str:
        """Return the text of subwords separated by spaces."""
        return self._tokenizer.join(text.split(" "))


def distillation(task: Task) -> dict[str, Result]:
    """Kim and Rush 2016, arXiv:1606.07947: a student of the three seeds, without and with unlabelled sources."""

    def student(epochs: int, sources: Sequence[str] = ()) -> passerelle.Translator:
        settings = {**SETTINGS, "training": {"epochs": epochs}}
        teachers = task.teachers()
        return passerelle.distill(
            task.training,
            teachers,
            sources=sources,
            beam=BEAM,
            validation=task.validation,
            preset="transformer",
            settings=settings,
        )

    more = task.model("student-unlabelled", lambda: student(EPOCHS // 3, task.unlabelled(0)))
    return {
        "student of the three": task.result(task.model("student", lambda: student(EPOCHS // 2))),
        "student, with unlabelled sources": task.result(more),
    }


def back_translation(task: Task) -> dict[str, Result]:
    """Sennrich et al. 2016, arXiv:1511.06709: the reverse model translates unlabelled target texts."""

    def train() -> passerelle.Translator:
        targets = task.unlabelled(1)
        sources = task.reverse().translate(targets, beam=1)
        written = [pair for pair in zip(sources, targets, strict=True) if pair[0]]
        settings = {**SETTINGS, "training": {"epochs": EPOCHS // 2}}
        pairs = joined(task.training, written)
        return passerelle.train(pairs, validation=task.validation, preset="transformer", settings=settings)

    return {"back-translation": task.result(task.model("back-translation", train))}


def noisy_channel(task: Task) -> dict[str, Result]:
    """Yee et al. 2019, arXiv:1908.05731, without a language model: a reverse model scores the n-best list."""
    model, reverse = task.teachers()[0], task.reverse()
    sources = [source for source, _ in references(task.validation)]
    lists = model.n_best(sources, CANDIDATES, beam=CANDIDATES)
    pairs = [(result.text, result.source) for results in lists for result in results]
    channel = iter([each.log_probability for each in reverse.score(pairs)])
    scored = [[(result, next(channel)) for result in results] for results in lists]

    def best(_: Sequence[str], weight: float) -> list[str]:
        def value(candidate: tuple[Any, float]) -> float:
            result, backward = candidate
            return (result.score + weight * backward) / len(result.token_scores)

        return [max(results, key=value)[0].text for results in scored]

    return {
        f"noisy channel, weight {weight:g}, {CANDIDATES} candidates": {
            "beam": task.scores(partial(best, weight=weight))
        }
        for weight in WEIGHTS
    }


def _reversed(pairs: Pairs) -> Pairs:
    return replace(pairs, sources=pairs.targets, targets=pairs.sources)


IDEAS: dict[str, Callable[[Task], dict[str, Result]]] = {
    each.__name__: each for each in (seeds, subwords, snapshots, mixed, distillation, back_translation, noisy_channel)
}

if __name__ == "__main__":
    main()
