"""A reimplementation of the character-level LSTM tutorial of Keras, as a baseline for Passerelle.

It behaves like the published program: one-hot float32 arrays padded to the longest pair, no masks (the encoder reads
the padding, and loss and accuracy include it), one `predict` call per decoded character. It depends only on Keras and
does not use Passerelle, so that it is an independent reference.

    python benchmarks/tutorial_program.py --train TRAIN.tsv --test TEST.tsv --epochs 30 --out FOLDER

There are two differences. An unseen source character becomes an all-zero vector and is counted; the published program
fails with a KeyError. A source that is longer than all training sources is encoded at its own length; the published
program does not support it.

Source: F. Chollet, "A ten-minute introduction to sequence-to-sequence learning in Keras" (2017), after Sutskever et al.
2014, arXiv:1409.3215. The blog post pads with zero vectors; the current example on keras.io pads with the space
character. The argument `padding` chooses between them.
"""

import argparse
import json
import os
import platform
import resource
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, BinaryIO

os.environ.setdefault("KERAS_BACKEND", "jax")

import keras
import numpy as np

START, END = "\t", "\n"
PADDINGS = ("zeros", "space")

Pair = tuple[str, str]


class TutorialProgram:
    """Characters, the training model, and the two inference models that share its layers.

    Args:
        source_characters: characters of the source, in the order of their columns.
        target_characters: characters of the target, START and END included.
        max_source: number of steps of source arrays.
        max_target: number of steps of target arrays, START and END included.
        units: width of both LSTM layers.
        padding: `zeros`, or `space` for the one-hot vector of the space character.
    """

    def __init__(
        self,
        source_characters: Sequence[str],
        target_characters: Sequence[str],
        max_source: int,
        max_target: int,
        *,
        units: int = 256,
        padding: str = "zeros",
    ) -> None:
        if padding not in PADDINGS:
            raise ValueError(f"`padding` must be one of {PADDINGS}, received: padding={padding!r}")
        if padding == "space" and not (" " in source_characters and " " in target_characters):
            raise ValueError("`padding='space'` requires a space among the characters of both sides")
        self.source_characters = list(source_characters)
        self.target_characters = list(target_characters)
        self.max_source = max_source
        self.max_target = max_target
        self.units = units
        self.padding = padding
        self._source_index = {character: i for i, character in enumerate(self.source_characters)}
        self._target_index = {character: i for i, character in enumerate(self.target_characters)}
        self._pairs: list[Pair] = []
        self._build()

    @classmethod
    def from_pairs(cls, pairs: Iterable[Pair], *, units: int = 256, padding: str = "zeros") -> "TutorialProgram":
        """Build a program with the characters and lengths of `pairs`, its training data."""
        pairs = list(pairs)
        if not pairs:
            raise ValueError("`pairs` must contain at least one pair")
        sources = [source for source, _ in pairs]
        targets = [START + target + END for _, target in pairs]
        program = cls(
            sorted(set().union(*sources)),
            sorted(set().union(*targets)),
            max(map(len, sources)),
            max(map(len, targets)),
            units=units,
            padding=padding,
        )
        program._pairs = pairs
        return program

    def _build(self) -> None:
        source_width, target_width = len(self.source_characters), len(self.target_characters)
        self._encoder_lstm = keras.layers.LSTM(self.units, return_state=True, name="encoder")
        self._decoder_lstm = keras.layers.LSTM(self.units, return_sequences=True, return_state=True, name="decoder")
        self._output = keras.layers.Dense(target_width, activation="softmax", name="output")

        sources = keras.Input((None, source_width), name="source")
        targets = keras.Input((None, target_width), name="target")
        _, *encoded = self._encoder_lstm(sources)
        hidden, *_ = self._decoder_lstm(targets, initial_state=encoded)
        self.training_model = keras.Model([sources, targets], self._output(hidden))
        self.training_model.compile(optimizer="rmsprop", loss="categorical_crossentropy", metrics=["accuracy"])
        self._hidden_model = keras.Model([sources, targets], hidden)
        self.encoder_model = keras.Model(sources, encoded)

        states = [keras.Input((self.units,), name=name) for name in ("state_h", "state_c")]
        steps, *new_states = self._decoder_lstm(targets, initial_state=states)
        self.decoder_model = keras.Model([targets, *states], [self._output(steps), *new_states])

    # ---- training

    def arrays(self, pairs: Sequence[Pair]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return the three one-hot arrays for training.

        Returns:
            encoder_input float32 (n, max_source, source characters); decoder_input and decoder_target float32
            (n, max_target, target characters), decoder_target one step ahead of decoder_input, without START.
        """
        targets = [START + target + END for _, target in pairs]
        decoder_input = self._one_hot(targets, self.max_target, self._target_index)
        decoder_target = self._one_hot([text[1:] for text in targets], self.max_target, self._target_index)
        encoder_input = self._encoder_input([source for source, _ in pairs], self.max_source)
        return encoder_input, decoder_input, decoder_target

    def _encoder_input(self, sources: Sequence[str], steps: int) -> np.ndarray:
        return self._one_hot(sources, steps, self._source_index)

    def _one_hot(self, texts: Sequence[str], steps: int, index: dict[str, int]) -> np.ndarray:
        vectors = np.zeros((len(texts), steps, len(index)), dtype="float32")
        for row, text in enumerate(texts):
            for step, character in enumerate(text):
                if character in index:  # an unseen character remains a zero vector
                    vectors[row, step, index[character]] = 1
            if self.padding == "space":
                vectors[row, len(text) :, index[" "]] = 1
        return vectors

    def fit(
        self,
        epochs: int,
        *,
        batch_size: int = 64,
        validation_split: float = 0.0,
        callbacks: Sequence[keras.callbacks.Callback] = (),
    ) -> dict[str, list[float]]:
        """Train on the pairs of `from_pairs`; return Keras's history (losses in nats, over all steps).

        The published program has validation_split=0.2, which holds out the last fifth of the pairs.
        """
        if not self._pairs:
            raise ValueError("the program has no training pairs; build it with `from_pairs`")
        encoder_input, decoder_input, decoder_target = self.arrays(self._pairs)
        history = self.training_model.fit(
            [encoder_input, decoder_input],
            decoder_target,
            batch_size=batch_size,
            epochs=epochs,
            validation_split=validation_split,
            callbacks=list(callbacks),
            verbose=0,  # pyright: ignore[reportArgumentType] - annotated as str, documented as int too
        )
        return {name: [float(value) for value in values] for name, values in history.history.items()}

    # ---- inference

    def decode(self, text: str) -> str:
        """Translate one text by greedy search, one `predict` call per character; remove END."""
        source = self._encoder_input([text], max(self.max_source, len(text)))
        states = _predict(self.encoder_model, source)
        decoded = ""
        token = START
        while token != END and len(decoded) <= self.max_target:
            step = np.zeros((1, 1, len(self.target_characters)), dtype="float32")
            step[0, 0, self._target_index[token]] = 1
            probabilities, *states = _predict(self.decoder_model, [step, *states])
            token = self.target_characters[int(probabilities[0, -1].argmax())]
            decoded += token
        return decoded.removesuffix(END)

    def decode_logits(self, source: str, target: str, *, padded: bool = True) -> np.ndarray:
        """Return the logits of one pair under teacher forcing.

        Args:
            source: source text.
            target: target text without START and END, of known characters.
            padded: whether to pad the source, like the published program. False allows the comparison with networks
                that mask their padding.

        Returns:
            float32 (len(target) + 1, target characters): row t has the logits of the character after the first t.
        """
        unknown = sorted(set(target) - self._target_index.keys())
        if unknown:
            raise ValueError(f"`target` must consist of known characters, received: {unknown}")
        steps = max(self.max_source, len(source)) if padded else len(source)
        encoder_input = self._encoder_input([source], steps)
        length = len(target) + 1
        decoder_input = self._one_hot([START + target], max(self.max_target, length), self._target_index)
        hidden = _predict(self._hidden_model, [encoder_input, decoder_input])
        weights = self.weights()
        return hidden[0, :length] @ weights["output_kernel"] + weights["output_bias"]

    def unseen_characters(self, text: str) -> int:
        """Return the number of characters of a source text that do not occur in the training pairs."""
        return sum(character not in self._source_index for character in text)

    # ---- weights and files

    def _variables(self) -> dict[str, keras.Variable]:
        layers = {"encoder": self._encoder_lstm, "decoder": self._decoder_lstm, "output": self._output}
        return {f"{name}_{variable.name}": variable for name, layer in layers.items() for variable in layer.weights}

    def weights(self) -> dict[str, np.ndarray]:
        """Return copies of the weights by name.

        The names are encoder_ and decoder_ (kernel, recurrent_kernel, bias) and output_ (kernel, bias). The gates are
        in Keras's order: input, forget, cell, output.
        """
        return {
            name: np.array(keras.ops.convert_to_numpy(variable.value)) for name, variable in self._variables().items()
        }

    def set_weights(self, weights: dict[str, np.ndarray]) -> None:
        """Set the weights; names and shapes are those of `weights`."""
        variables = self._variables()
        if weights.keys() != variables.keys():
            raise ValueError(f"`weights` must have the keys {sorted(variables)}, received: {sorted(weights)}")
        for name, variable in variables.items():
            variable.assign(weights[name])

    def save(self, folder: str | os.PathLike[str]) -> None:
        """Write `weights.npz` and `characters.json` (characters, lengths, units, padding) to `folder`."""
        settings = {
            "source_characters": self.source_characters,
            "target_characters": self.target_characters,
            "max_source": self.max_source,
            "max_target": self.max_target,
            "units": self.units,
            "padding": self.padding,
        }
        arrays: dict[str, Any] = self.weights()
        write_atomically(Path(folder) / "weights.npz", lambda stream: np.savez(stream, **arrays))
        write_json(Path(folder) / "characters.json", settings)

    @classmethod
    def load(cls, folder: str | os.PathLike[str]) -> "TutorialProgram":
        """Load a program that was written by `save`. It can decode, but it has no training pairs."""
        program = cls(**json.loads((Path(folder) / "characters.json").read_text(encoding="utf-8")))
        with np.load(Path(folder) / "weights.npz", allow_pickle=False) as arrays:
            program.set_weights(dict(arrays))
        return program


def _predict(model: keras.Model, inputs: Any) -> Any:
    return model.predict(inputs, verbose=0)  # pyright: ignore[reportArgumentType] - annotated as str, documented as int


# ---- files


def read_pairs(path: str | os.PathLike[str]) -> list[Pair]:
    """Read the first two columns of a tab-separated UTF-8 file, without empty lines."""
    pairs: list[Pair] = []
    with open(path, encoding="utf-8-sig", newline="\n") as lines:
        for number, line in enumerate(lines, start=1):
            columns = line.rstrip("\r\n").split("\t")
            if columns == [""]:
                continue
            if len(columns) < 2:
                raise ValueError(f"{path}, line {number}: expected two columns, received: {line!r}")
            pairs.append((columns[0], columns[1]))
    return pairs


def write_atomically(path: Path, write: Callable[[BinaryIO], object]) -> None:
    """Write a temporary file and rename it to `path`, so that `path` is never incomplete."""
    with tempfile.NamedTemporaryFile(dir=path.parent, prefix=f".{path.name}.", delete=False) as stream:
        temporary = Path(stream.name)
        try:
            write(stream)  # pyright: ignore[reportArgumentType] - a wrapper around a BinaryIO
            stream.flush()
            temporary.chmod(0o644)
            temporary.replace(path)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise


def write_json(path: Path, content: dict[str, Any]) -> None:
    text = json.dumps(content, ensure_ascii=False, indent=2) + "\n"
    write_atomically(path, lambda stream: stream.write(text.encode()))


# ---- the measurement


class EpochTimer(keras.callbacks.Callback):
    """Measure the seconds of each epoch and print its results."""

    def __init__(self, epochs: int) -> None:
        super().__init__()
        self.epochs = epochs
        self.seconds: list[float] = []
        self._start = 0.0

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        self._start = time.perf_counter()

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        self.seconds.append(time.perf_counter() - self._start)
        metrics = ", ".join(f"{name} {float(value):.4f}" for name, value in (logs or {}).items())
        log(f"epoch {epoch + 1}/{self.epochs}: {self.seconds[-1]:.1f} s, {metrics}")


def log(line: str) -> None:
    print(line, flush=True)


def peak_memory_mb() -> float:
    """Return the peak memory of this process in MiB."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return round(peak / (1 << 20 if sys.platform == "darwin" else 1 << 10), 1)


def decode_all(program: TutorialProgram, sources: Sequence[str]) -> tuple[list[str], dict[str, Any]]:
    """Decode the sources one by one; exclude the first one and those with another shape from the timing."""
    hypotheses: list[str] = []
    characters, seconds, timed = 0, 0.0, 0
    for number, source in enumerate(sources, start=1):
        start = time.perf_counter()
        hypothesis = program.decode(source)
        if number > 1 and len(source) <= program.max_source:
            seconds += time.perf_counter() - start
            characters += len(hypothesis)
            timed += 1
        hypotheses.append(hypothesis)
        if number % 100 == 0 or number == len(sources):
            log(f"decoded {number}/{len(sources)}")
    unseen = [program.unseen_characters(source) for source in sources]
    return hypotheses, {
        "decoded_sources": len(sources),
        "timed_sources": timed,
        "timed_characters": characters,
        "timed_seconds": seconds,
        "characters_per_second": characters / seconds if timed else None,
        "unseen_source_characters": sum(unseen),
        "sources_with_unseen_characters": sum(count > 0 for count in unseen),
        "sources_longer_than_training": sum(len(source) > program.max_source for source in sources),
    }


def write_hypotheses(path: Path, sources: Sequence[str], hypotheses: Sequence[str]) -> None:
    """Write one line per source: source, tab, hypothesis. START in a hypothesis becomes a space."""
    rows = zip(sources, hypotheses, strict=True)
    text = "".join(f"{source}\t{hypothesis.replace(START, ' ')}\n" for source, hypothesis in rows)
    write_atomically(path, lambda stream: stream.write(text.encode()))


def measure(arguments: argparse.Namespace) -> dict[str, Any]:
    """Train, decode and write all files to `arguments.out`, `result.json` last; return its content."""
    train = read_pairs(arguments.train)
    sources = list(dict.fromkeys(source for source, _ in read_pairs(arguments.test)))[: arguments.decode]
    arguments.out.mkdir(parents=True, exist_ok=True)

    keras.utils.set_random_seed(arguments.seed)
    program = TutorialProgram.from_pairs(train, units=arguments.units, padding=arguments.padding)
    log(
        f"{len(train)} pairs, {len(program.source_characters)} source and "
        f"{len(program.target_characters)} target tokens, {program.max_source} and "
        f"{program.max_target} steps, {program.training_model.count_params()} parameters"
    )
    timer = EpochTimer(arguments.epochs)
    history = program.fit(
        arguments.epochs,
        batch_size=arguments.batch_size,
        validation_split=arguments.validation_split,
        callbacks=[timer],
    )
    memory_of_training = peak_memory_mb()
    hypotheses, decoding = decode_all(program, sources)
    result = {
        "program": "tutorial",
        "settings": {name: str(v) if isinstance(v, Path) else v for name, v in vars(arguments).items()},
        "versions": {"python": platform.python_version(), "keras": keras.version()},
        "backend": keras.backend.backend(),
        "pairs": len(train),
        "source_tokens": len(program.source_characters),
        "target_tokens": len(program.target_characters),
        "max_source": program.max_source,
        "max_target": program.max_target,
        "parameters": program.training_model.count_params(),
        "epoch_seconds": timer.seconds,
        "median_epoch_seconds": statistics.median(timer.seconds) if timer.seconds else None,
        "peak_memory_mb": peak_memory_mb(),
        "peak_memory_mb_of_training": memory_of_training,
        **decoding,
        "history": history,
    }
    # Remove the old result first and write the new one last, so that a result never describes other files.
    (arguments.out / "result.json").unlink(missing_ok=True)
    program.save(arguments.out)
    write_hypotheses(arguments.out / "hypotheses.tsv", sources, hypotheses)
    write_json(arguments.out / "result.json", result)
    return result


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Train and time the character-level LSTM tutorial.")
    parser.add_argument("--train", type=Path, required=True, help="tab-separated training pairs")
    parser.add_argument("--test", type=Path, required=True, help="pairs whose sources are decoded")
    parser.add_argument("--out", type=Path, required=True, help="folder for results")
    parser.add_argument("--epochs", type=int, default=100)
    parser.add_argument("--padding", choices=PADDINGS, default="zeros", help="vectors after the end of a text")
    parser.add_argument("--decode", type=int, metavar="N", help="only the first N distinct test sources")
    parser.add_argument("--batch-size", type=int, default=64)
    parser.add_argument("--units", type=int, default=256)
    parser.add_argument(
        "--validation-split", type=float, default=0.0, help="share of pairs to hold out; published: 0.2"
    )
    parser.add_argument("--seed", type=int, default=0)
    return parser.parse_args(arguments)


def main(arguments: Sequence[str] | None = None) -> int:
    measure(parse(arguments))
    return 0


if __name__ == "__main__":
    sys.exit(main())
