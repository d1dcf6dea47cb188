"""Compare code of this project with libraries for similar tasks; docs/architecture.md quotes the results.

Parts: automata, diagrams, subwords, catalogues. Libraries that are not installed are skipped:
pip install outlines-core automata-lib pyformlang grandalf fast-sugiyama sentencepiece tokenizers polib
"""

import argparse
import os
import random
import tempfile
import time
import tracemalloc
from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace
from typing import Any

os.environ.setdefault("KERAS_BACKEND", "jax")

DATE = "[0-9]{4}-[0-9]{2}-[0-9]{2}"
SENTENCE = r"(\w+ ){1,5}\w+[.!?]"

Sizes = Sequence[tuple[float, float]]
Edges = Sequence[tuple[int, int]]


def main() -> None:
    parts = {"automata": automata, "diagrams": diagrams, "subwords": subwords, "catalogues": catalogues}
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("parts", nargs="*", help=f"{', '.join(parts)}; default: all")
    for name in parser.parse_args().parts or parts:
        print(f"\n{name}")
        parts[name]()


def timed(label: str, function: Callable[[], Any], describe: Callable[[Any], object]) -> Any:
    """Print the seconds of one call and a description of its result, or its error."""
    begin = time.perf_counter()
    try:
        result = function()
    except ModuleNotFoundError as error:
        print(f"  {label:<44} skipped: {error}")
        return None
    except Exception as error:
        print(f"  {label:<44} {type(error).__name__}: {' '.join(str(error).split()):.90}")
        return None
    print(f"  {label:<44} {time.perf_counter() - begin:8.3f} s  {describe(result)}")
    return result


# ---- automata over bytes from patterns and word lists


def automata() -> None:
    from passerelle.constraints.automaton import intersect
    from passerelle.constraints.lexicon import of_texts
    from passerelle.constraints.patterns import matching
    from passerelle.constraints.phrases import without

    def states(automaton: Any) -> str:
        return f"{len(automaton.table):,} states"

    words = generate_words(20_000)
    timed("passerelle: date", lambda: matching(DATE), states)
    sentence = timed("passerelle: sentence", lambda: matching(SENTENCE), states)
    timed("passerelle: sentence without 'chat'", lambda: intersect(sentence, without(["chat"])), states)
    timed(f"passerelle: {len(words):,} words", lambda: of_texts(words), states)
    timed("passerelle: exponential", lambda: matching("(a|b)*a(a|b){16}"), states)

    def outlines(pattern: str) -> Any:
        from outlines_core import Index, Vocabulary

        return Index(pattern, Vocabulary(256, {bytes([byte]): [byte] for byte in range(256)})).get_transitions()

    def count(table: Any) -> str:
        return f"{len(table):,} states"

    timed("outlines-core: date", lambda: outlines(DATE), count)
    timed("outlines-core: sentence", lambda: outlines(SENTENCE), count)
    timed(f"outlines-core: {len(words):,} words", lambda: outlines("|".join(words)), count)
    timed("outlines-core: exponential", lambda: outlines("(a|b)*a(a|b){16}"), count)
    for pattern in ("^a$", "a{,3}", "a*?"):
        timed(f"outlines-core: {pattern}", lambda pattern=pattern: outlines(pattern), count)

    def automata_lib_words() -> Any:
        from automata.fa.dfa import DFA

        language = {word.encode().decode("latin-1") for word in words}  # one character per byte
        return DFA.from_finite_language(input_symbols=set(map(chr, range(256))), language=language)

    def automata_lib_pattern(pattern: str) -> Any:
        from automata.fa.dfa import DFA
        from automata.fa.nfa import NFA

        return DFA.from_nfa(NFA.from_regex(pattern, input_symbols=set("0123456789-.")))

    def pyformlang(pattern: str) -> Any:
        from pyformlang.regular_expression import PythonRegex

        return PythonRegex(pattern).to_epsilon_nfa().to_deterministic().minimize()

    def size(automaton: Any) -> str:
        return f"{len(automaton.states):,} states"

    timed(f"automata-lib: {len(words):,} words", automata_lib_words, size)
    timed("automata-lib: date", lambda: automata_lib_pattern(DATE), size)
    timed("pyformlang: date", lambda: pyformlang(DATE), size)


def generate_words(count: int) -> list[str]:
    """Generate at most `count` distinct words of two to four syllables."""
    rng = random.Random(1)
    syllables = [consonant + vowel for consonant in "bcdfglmnprstv" for vowel in "aeioué"]
    return sorted({"".join(rng.choices(syllables, k=rng.randint(2, 4))) for _ in range(count)})


# ---- layouts of model diagrams


def diagrams() -> None:
    from passerelle.experiment.building import build
    from passerelle.plots import svg
    from passerelle.plots.diagram import draw_model
    from passerelle.plots.layout import arrange
    from passerelle.preparation import prepare
    from passerelle.settings import choose_settings

    graphs: list[tuple[Sizes, Edges, dict[str, Any]]] = []

    def record(sizes: Sizes, edges: Edges, **options: Any) -> Any:
        graphs.append((sizes, edges, options))
        return arrange(sizes, edges, **options)

    svg.arrange = record
    for preset in ("compact", "attention", "monotonic"):
        translator = build(prepare([("abc", "xyz"), ("b", "y")], choose_settings(preset=preset), validation=0))
        for model in (translator.training_model, translator.inference_encoder, translator.inference_decoder):
            draw_model(model)
    svg.arrange = arrange

    def ours() -> Iterator[Any]:
        for sizes, edges, options in graphs:
            yield arrange(sizes, edges, **options)

    def others(layout: Callable[[Sizes, Edges], Any]) -> Iterator[Any]:
        for sizes, edges, _ in graphs:
            yield layout(sizes, edges)

    def describe(layouts: list[Any]) -> str:
        measured = [quality(layout, graph[0], graph[1]) for layout, graph in zip(layouts, graphs, strict=True)]
        straight, through, crossings, width = (sum(values) for values in zip(*measured, strict=True))
        arrows = sum(len(edges) for _, edges, _ in graphs)
        return (
            f"{straight} of {arrows} arrows straight, {through} through a box, {crossings} crossings, "
            f"mean width {width / len(graphs):,.0f} px"
        )

    timed(f"passerelle: {len(graphs)} diagrams", lambda: list(ours()), describe)
    timed(f"grandalf: {len(graphs)} diagrams", lambda: list(others(grandalf_layout)), describe)
    timed(f"fast-sugiyama: {len(graphs)} diagrams", lambda: list(others(fast_sugiyama_layout)), describe)


def quality(layout: Any, sizes: Sizes, edges: Edges) -> tuple[int, int, int, float]:
    """Return numbers of straight arrows, arrows through a box and crossings, and the width in pixels."""
    lines = []
    for route, edge in zip(layout.routes, edges, strict=True):
        points = [point for x, top, bottom in route for point in ((x, top), (x, bottom))]
        lines += [(start, end, edge) for start, end in pairwise(points) if start != end]
    crossings = sum(
        _cross(*first[:2], *second[:2])
        for at, first in enumerate(lines)
        for second in lines[:at]
        if not set(first[2]) & set(second[2])
    )
    through = sum(
        any(_inside(start, end, corner, size) for start, end, ends in lines if ends == edge)
        for edge in edges
        for box, (corner, size) in enumerate(zip(layout.corners, sizes, strict=True))
        if box not in edge
    )
    straight = sum(max(x for x, _, _ in route) - min(x for x, _, _ in route) < 1 for route in layout.routes)
    return straight, through, crossings, layout.width


def _cross(a: Any, b: Any, c: Any, d: Any) -> bool:
    def side(p: Any, q: Any, r: Any) -> float:
        return (q[0] - p[0]) * (r[1] - p[1]) - (q[1] - p[1]) * (r[0] - p[0])

    return side(a, b, c) * side(a, b, d) < -1e-6 and side(c, d, a) * side(c, d, b) < -1e-6


def _inside(start: Any, end: Any, corner: Any, size: Any) -> bool:
    for part in (place / 20 for place in range(1, 20)):
        x, y = (start[axis] + (end[axis] - start[axis]) * part for axis in (0, 1))
        if corner[0] < x < corner[0] + size[0] and corner[1] < y < corner[1] + size[1]:
            return True
    return False


def grandalf_layout(sizes: Sizes, edges: Edges) -> Any:
    from grandalf.graphs import Edge, Graph, Vertex
    from grandalf.layouts import SugiyamaLayout
    from grandalf.routing import EdgeViewer, route_with_lines

    vertices = [Vertex(box) for box in range(len(sizes))]
    for vertex, (width, height) in zip(vertices, sizes, strict=True):
        vertex.view = SimpleNamespace(w=width, h=height, xy=(0, 0))
    arrows = [Edge(vertices[source], vertices[target]) for source, target in edges]
    for arrow in arrows:
        arrow.view = EdgeViewer()
    layout = SugiyamaLayout(Graph(vertices, arrows).C[0])
    layout.xspace, layout.yspace, layout.route_edge = 28, 48, route_with_lines
    layout.init_all(optimize=True)
    layout.draw(24)
    corners = [(v.view.xy[0] - v.view.w / 2, v.view.xy[1] - v.view.h / 2) for v in vertices]
    bends = [[(x, y, y) for x, y in arrow.view._pts[1:-1]] for arrow in arrows]
    return _moved_to_zero(corners, sizes, edges, bends)


def fast_sugiyama_layout(sizes: Sizes, edges: Edges) -> Any:
    """Lay out a diagram with fast-sugiyama. It assumes boxes of equal size, so the widest determines the spacing."""
    from fast_sugiyama import from_edges

    spacing = max(width for width, _ in sizes) + 28
    positions, _, _, steps = from_edges(edges, vertex_spacing=spacing, dummy_vertices=True, dummy_size=0.1)[0]
    place = dict(positions)
    sign = 1 if place[edges[0][1]][1] > place[edges[0][0]][1] else -1
    rows = sorted({round(sign * y) for _, y in place.values()})
    row = {node: rows.index(round(sign * y)) for node, (_, y) in place.items()}
    heights = [
        max([sizes[node][1] for node in place if node < len(sizes) and row[node] == at] or [0])
        for at in range(len(rows))
    ]
    tops = [sum(heights[:at]) + 48 * at for at in range(len(rows))]
    corners = [
        (place[box][0] - width / 2, tops[row[box]] + (heights[row[box]] - height) / 2)
        for box, (width, height) in enumerate(sizes)
    ]
    after: dict[int, list[int]] = {}
    for tail, head in steps:
        after.setdefault(tail, []).append(head)

    def chain(node: int, target: int) -> list[int] | None:
        for head in after.get(node, []):
            if head == target:
                return []
            if head >= len(sizes) and (rest := chain(head, target)) is not None:
                return [head, *rest]
        return None

    bends = [
        [(place[bend][0], tops[row[bend]], tops[row[bend]] + heights[row[bend]]) for bend in chain(*edge) or []]
        for edge in edges
    ]
    return _moved_to_zero(corners, sizes, edges, bends)


def _moved_to_zero(corners: Any, sizes: Sizes, edges: Edges, bends: Any) -> Any:
    """Move a layout to x = 0; each arrow begins below the middle of a box and ends above the middle of the next."""
    left = min([x for x, _ in corners] + [x for route in bends for x, _, _ in route])
    corners = [(x - left, y) for x, y in corners]
    routes = []
    for (source, target), middle in zip(edges, bends, strict=True):
        start, end = corners[source], corners[target]
        bottom = start[1] + sizes[source][1]
        route = [(start[0] + sizes[source][0] / 2, bottom, bottom)]
        route += [(x - left, top, low) for x, top, low in middle]
        routes.append([*route, (end[0] + sizes[target][0] / 2, end[1] - 20, end[1])])
    right = max(
        [x + width for (x, _), (width, _) in zip(corners, sizes, strict=True)] + [x for r in routes for x, *_ in r]
    )
    return SimpleNamespace(corners=corners, routes=routes, width=right)


# ---- byte-pair encoding


def subwords() -> None:
    from passerelle.data.phrasebook import phrasebook
    from passerelle.text.level import make_tokenizer

    texts = [target for _, target in phrasebook()]
    unusual = unusual_texts(2_000)

    def describe(changed: int) -> str:
        return f"{changed} of {len(unusual):,} unusual texts change"

    def ours() -> int:
        tokenizer = make_tokenizer("subword", texts=texts + unusual, size=4000)
        return sum(
            decoded != tokenizer.normalize(text)
            for decoded, text in zip(tokenizer.decode(tokenizer.encode(unusual)), unusual, strict=True)
        )

    def sentencepiece() -> int:
        import sentencepiece

        with tempfile.TemporaryDirectory() as folder:
            prefix = str(Path(folder) / "m")
            sentencepiece.SentencePieceTrainer.train(
                sentence_iterator=iter(texts + unusual),
                model_prefix=prefix,
                vocab_size=4000,
                model_type="bpe",
                byte_fallback=True,
                normalization_rule_name="nfkc",
                hard_vocab_limit=False,
                minloglevel=2,
            )
            model = sentencepiece.SentencePieceProcessor(model_file=prefix + ".model")
        return sum(model.decode(model.encode(text)) != text for text in unusual)

    def tokenizers() -> int:
        from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers

        model = Tokenizer(models.BPE())
        model.normalizer = normalizers.NFC()
        model.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
        model.decoder = decoders.ByteLevel()
        alphabet = pre_tokenizers.ByteLevel.alphabet()
        model.train_from_iterator(
            texts + unusual, trainers.BpeTrainer(vocab_size=4000, initial_alphabet=alphabet, show_progress=False)
        )
        return sum(model.decode(model.encode(text).ids) != text for text in unusual)

    timed("passerelle: train, encode and decode", ours, describe)
    timed("sentencepiece: train, encode and decode", sentencepiece, describe)
    timed("tokenizers: train, encode and decode", tokenizers, describe)


def unusual_texts(count: int) -> list[str]:
    """Generate texts in NFC with repeated spaces, no-break spaces, typographic signs and rare characters."""
    rng = random.Random(2)
    parts = ["le", "l’", "chat", " ", "  ", "\N{NO-BREAK SPACE}", "\N{NARROW NO-BREAK SPACE}", "!", "«", "»"]
    parts += ["▁", "é", "ﬁ", "½", "…", "字", "😀"]
    return ["".join(rng.choices(parts, k=rng.randint(2, 8))) for _ in range(count)]


# ---- gettext catalogues


def catalogues(messages: int = 100_000) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "messages.po"
        with path.open("w", encoding="utf-8") as stream:
            stream.write('msgid ""\nmsgstr "Content-Type: text/plain; charset=UTF-8\\n"\n')
            for number in range(messages):
                stream.write(
                    f'\n#: a.c:{number}\nmsgid "Message {number} of the catalogue"\nmsgstr "Meldung {number}"\n'
                )

        def ours() -> int:
            from passerelle.data.readers.po import read_po

            return sum(1 for _ in read_po(path))

        def polib() -> int:
            import polib

            return len(polib.pofile(str(path)))

        for name, read in (("passerelle", ours), ("polib", polib)):
            tracemalloc.start()
            timed(f"{name}: {messages:,} messages", read, lambda _: f"{tracemalloc.get_traced_memory()[1] >> 20} MB")
            tracemalloc.stop()


if __name__ == "__main__":
    main()
