"""Train and evaluate the small Transformer of Keras's translation tutorial, as a baseline.

A reimplementation of "English-to-Spanish translation with a sequence-to-sequence Transformer", keras.io: one layer per
side, width 256, 8 heads, feed-forward width 2,048, dropout 0.5 before the output layer, learned position embeddings.
Deviations: text keeps case and punctuation and is tokenized by Passerelle's word tokenizer, so that the scores are
comparable; Adam instead of RMSprop; 7 epochs; all rows are padded to the longest one. The search is greedy.
"""

import argparse
import dataclasses
import json
import os
import resource
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

os.environ.setdefault("KERAS_BACKEND", "jax")

import jax
import keras
import numpy as np
from keras import layers

from passerelle.data.pairs import Pairs, references
from passerelle.data.reading import read_pairs
from passerelle.data.writing import write_atomically
from passerelle.evaluation.metrics import score
from passerelle.special_tokens import END, PAD, START
from passerelle.text.level import make_tokenizer
from passerelle.text.tokenizer import Tokenizer

WIDTH, HEADS, FEED_FORWARD, DROPOUT, BATCH = 256, 8, 2048, 0.5, 64


class Positions(layers.Layer):
    """int (batch, T) -> float (batch, T, WIDTH): token embedding plus learned position embedding; PAD is masked."""

    def __init__(self, length: int, vocabulary: int, **options: Any):
        super().__init__(**options)
        self.tokens = layers.Embedding(vocabulary, WIDTH, mask_zero=True)
        self.positions = layers.Embedding(length, WIDTH)

    def call(self, ids: Any) -> Any:
        return self.tokens(ids) + self.positions(keras.ops.arange(ids.shape[1]))

    def compute_mask(self, ids: Any, mask: Any = None) -> Any:
        return self.tokens.compute_mask(ids)


def attention_block(queries: Any, values: Any, *, causal: bool = False) -> Any:
    """Apply multi-head attention, a residual connection and layer normalization."""
    context = layers.MultiHeadAttention(HEADS, WIDTH)(queries, values, use_causal_mask=causal)
    return layers.LayerNormalization()(layers.Add()([queries, context]))


def feed_forward_block(sequence: Any) -> Any:
    """Apply a feed-forward network, a residual connection and layer normalization."""
    output = layers.Dense(WIDTH)(layers.Dense(FEED_FORWARD, activation="relu")(sequence))
    return layers.LayerNormalization()(layers.Add()([sequence, output]))


def build(lengths: tuple[int, int], sizes: tuple[int, int]) -> keras.Model:
    """Build a model: int (batch, S), int (batch, T) -> logits, float (batch, T, target vocabulary)."""
    source = keras.Input((lengths[0],), dtype="int32")
    target = keras.Input((lengths[1],), dtype="int32")
    source_embeddings = Positions(lengths[0], sizes[0])(source)
    memory = feed_forward_block(attention_block(source_embeddings, source_embeddings))
    target_embeddings = Positions(lengths[1], sizes[1])(target)
    self_attention = attention_block(target_embeddings, target_embeddings, causal=True)
    sequence = feed_forward_block(attention_block(self_attention, memory))
    return keras.Model((source, target), layers.Dense(sizes[1])(layers.Dropout(DROPOUT)(sequence)))


class TimeLimit(keras.callbacks.Callback):
    """Stop training at the last epoch's end before `end`, a value of `time.perf_counter()`, which may be the first."""

    def __init__(self, end: float):
        super().__init__()
        self.end = end
        self.epoch_began = 0.0

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        self.epoch_began = time.perf_counter()

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        now = time.perf_counter()
        if now + (now - self.epoch_began) > self.end:
            model: Any = self.model
            model.stop_training = True


def padded(tokenizer: Tokenizer, texts: Sequence[str], length: int, *, target: bool) -> np.ndarray:
    """Return padded ids, int32 (texts, length); targets have START and END. Longer texts are truncated."""
    rows = np.full((len(texts), length), PAD, np.int32)
    for row, text in zip(rows, texts, strict=True):
        ids = list(tokenizer.encode([text]).values)
        ids = ([START, *ids, END] if target else ids)[:length]
        row[: len(ids)] = ids
    return rows


def translate(model: keras.Model, sources: np.ndarray, length: int) -> list[list[int]]:
    """Translate by greedy search; return the ids between START and END."""
    forward = jax.jit(lambda variables, *inputs: model.stateless_call(*variables, inputs, training=False)[0])
    variables = [
        [variable.value for variable in group] for group in (model.trainable_variables, model.non_trainable_variables)
    ]
    out: list[list[int]] = []
    for begin in range(0, len(sources), BATCH):
        source = sources[begin : begin + BATCH]
        source = np.pad(source, ((0, BATCH - len(source)), (0, 0)), constant_values=END)
        target = np.full((BATCH, length), PAD, np.int32)
        target[:, 0] = START
        for step in range(length - 1):
            logits = forward(variables, source, target)[:, step]
            target[:, step + 1] = np.asarray(logits.at[:, :END].set(-np.inf).argmax(-1))
        for row in target[: len(sources) - begin, 1:].tolist():
            out.append(row[: row.index(END)] if END in row else row)
    return out


def main() -> None:
    """Train, evaluate on the test file, and write `result.json` to `--out`."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    for name in ("--train", "--validation", "--test"):
        parser.add_argument(name, required=True)
    parser.add_argument("--epochs", type=int, default=7)
    parser.add_argument("--minutes", type=float, help="stop after the epoch that ends then, instead of --epochs")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, required=True)
    arguments = parser.parse_args()
    keras.utils.set_random_seed(arguments.seed)
    started = time.perf_counter()
    training, validation, test = map(read_pairs, (arguments.train, arguments.validation, arguments.test))
    tokenizers = [make_tokenizer("word", texts=texts) for texts in (training.sources, training.targets)]
    lengths = [
        max(map(len, map(tokenizer.tokenize, texts)))
        for tokenizer, texts in zip(tokenizers, (training.sources, training.targets), strict=True)
    ]
    lengths[1] += 2  # START and END

    def arrays(pairs: Pairs) -> tuple[Any, Any]:
        source = padded(tokenizers[0], pairs.sources, lengths[0], target=False)
        target = padded(tokenizers[1], pairs.targets, lengths[1] + 1, target=True)
        return (source, target[:, :-1]), target[:, 1:]

    model = build((lengths[0], lengths[1]), (tokenizers[0].vocabulary.size, tokenizers[1].vocabulary.size))
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True, ignore_class=PAD)
    model.compile(keras.optimizers.Adam(0.001), loss)
    limit = [] if arguments.minutes is None else [TimeLimit(started + 60.0 * arguments.minutes)]
    history = model.fit(
        *arrays(training),
        batch_size=BATCH,
        epochs=10_000 if limit else arguments.epochs,
        validation_data=arrays(validation),
        callbacks=limit,
        verbose=2,
    )
    seconds = time.perf_counter() - started
    answers = references(test)
    sources = padded(tokenizers[0], [source for source, _ in answers], lengths[0], target=False)
    hypotheses = [
        tokenizers[1].join([tokenizers[1].vocabulary.token_of(i) for i in ids])
        for ids in translate(model, sources, lengths[1])
    ]
    report = score(hypotheses, list(answers.values()))
    print(report)
    result = {
        "name": "transformer program",
        "parameters": model.count_params(),
        "seconds_from_start_to_trained": seconds,
        "median_epoch_seconds": seconds / len(history.epoch),
        "peak_memory_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        "report": dataclasses.asdict(report),
        "epochs": history.history,
    }
    arguments.out.mkdir(parents=True, exist_ok=True)
    write_atomically(arguments.out / "result.json", lambda stream: stream.write(json.dumps(result, indent=1).encode()))


if __name__ == "__main__":
    main()
