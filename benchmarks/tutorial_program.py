"""The well-known character-level LSTM translator tutorial, written anew, to measure Passerelle beside it.

It behaves as the published program does: one-hot float32 arrays as long as the longest pair, no masks (the
padding is read by the encoder and counted in the loss and the accuracy), one `predict` call for each decoded
character. It stands on plain Keras and uses nothing of Passerelle, so that it can serve as a reference.

    python benchmarks/tutorial_program.py --train TRAIN.tsv --test TEST.tsv --epochs 30 --out FOLDER

Two things differ. A source character never seen in training becomes an all-zero vector and is counted, where
the published program stops with a KeyError. A source longer than all those in training is encoded at its own
length, where the published program cannot hold it.

Source: F. Chollet, "A ten-minute introduction to sequence-to-sequence learning in Keras" (2017), after
Sutskever et al. 2014, arXiv:1409.3215. The blog leaves the positions after a text all zero; the example on
keras.io, as it stands today, fills them with the space character. Both are here, as `padding`.
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
        source_characters: the tokens of the source, in the order of their columns.
        target_characters: the tokens of the target, START and END included.
        max_source: steps of every source array.
        max_target: steps of every target array, START and END included.
        units: width of both LSTM layers.
        padding: what stands after a text: `zeros`, or `space` for the one-hot vector of the space character.
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
            raise ValueError("`padding='space'` needs a space among the characters of both sides")
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
        """Takes characters and lengths from `pairs`, which `fit` then trains on."""
        pairs = list(pairs)
        if not pairs:
            raise ValueError("`pairs` must hold at least one pair")
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
        """Makes the three one-hot arrays of training.

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
                if character in index:  # an unseen one stays all zero
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
        """Trains on the pairs it was made from; returns Keras's history (losses in nats, over all steps).

        The published program has validation_split=0.2, which holds back the last fifth of the pairs.
        """
        if not self._pairs:
            raise ValueError("only a program made by `from_pairs` has pairs to train on")
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
        """Translates one text greedily, a `predict` call for each character; drops END."""
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
        """Computes the scores before the softmax that the program gives one pair under teacher forcing.

        Args:
            source: the text to translate.
            target: its translation, without START and END, of known characters.
            padded: False encodes the source at its own length, which the published program never does: for
                comparison with networks that mask their padding.

        Returns:
            float32 (len(target) + 1, target characters): row t scores what follows the first t characters.
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
        """Counts the characters of a source text that training never showed."""
        return sum(character not in self._source_index for character in text)

    # ---- weights and files

    def _variables(self) -> dict[str, keras.Variable]:
        layers = {"encoder": self._encoder_lstm, "decoder": self._decoder_lstm, "output": self._output}
        return {f"{name}_{variable.name}": variable for name, layer in layers.items() for variable in layer.weights}

    def weights(self) -> dict[str, np.ndarray]:
        """Returns copies of the arrays, named encoder_, decoder_ (kernel, recurrent_kernel, bias) and
        output_ (kernel, bias); gates in Keras's order: input, forget, cell, output."""
        return {
            name: np.array(keras.ops.convert_to_numpy(variable.value)) for name, variable in self._variables().items()
        }

    def set_weights(self, weights: dict[str, np.ndarray]) -> None:
        """Takes arrays named and shaped as `weights` returns them."""
        variables = self._variables()
        if weights.keys() != variables.keys():
            raise ValueError(f"`weights` must hold {sorted(variables)}, received: {sorted(weights)}")
        for name, variable in variables.items():
            variable.assign(weights[name])

    def save(self, folder: str | os.PathLike[str]) -> None:
        """Writes `weights.npz` and `characters.json` (characters, lengths, units, padding) into `folder`."""
        settings = {
            "source_characters": self.source_characters,
            "target_characters": self.target_characters,
            "max_source": self.max_source,
            "max_target": self.max_target,
            "units": self.units,
            "padding": self.padding,
        }
        arrays: dict[str, Any] = self.weights()
        write_whole(Path(folder) / "weights.npz", lambda stream: np.savez(stream, **arrays))
        write_json(Path(folder) / "characters.json", settings)

    @classmethod
    def load(cls, folder: str | os.PathLike[str]) -> "TutorialProgram":
        """Reads what `save` wrote; the program decodes, and has no pairs to train on."""
        program = cls(**json.loads((Path(folder) / "characters.json").read_text(encoding="utf-8")))
        with np.load(Path(folder) / "weights.npz", allow_pickle=False) as arrays:
            program.set_weights(dict(arrays))
        return program


def _predict(model: keras.Model, inputs: Any) -> Any:
    return model.predict(inputs, verbose=0)  # pyright: ignore[reportArgumentType] - as above


# ---- files


def read_pairs(path: str | os.PathLike[str]) -> list[Pair]:
    """Reads the first two columns of a tab-separated UTF-8 file; empty lines are skipped."""
    pairs: list[Pair] = []
    with open(path, encoding="utf-8-sig", newline="\n") as lines:
        for number, line in enumerate(lines, start=1):
            columns = line.rstrip("\r\n").split("\t")
            if columns == [""]:
                continue
            if len(columns) < 2:
                raise ValueError(f"{path}, line {number}: a pair has two columns, received: {line!r}")
            pairs.append((columns[0], columns[1]))
    return pairs


def write_whole(path: Path, write: Callable[[BinaryIO], object]) -> None:
    """Writes a file beside `path` and renames it, so that `path` is the old file or the new one, whole."""
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
    write_whole(path, lambda stream: stream.write(text.encode()))


# ---- the measurement


class EpochTimer(keras.callbacks.Callback):
    """Times every epoch, reads the peak of memory, and says how it goes."""

    def __init__(self, epochs: int) -> None:
        super().__init__()
        self.epochs = epochs
        self.seconds: list[float] = []
        self._start = 0.0

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        self._start = time.perf_counter()

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        self.seconds.append(time.perf_counter() - self._start)
        numbers = ", ".join(f"{name} {float(value):.4f}" for name, value in (logs or {}).items())
        say(f"epoch {epoch + 1}/{self.epochs}: {self.seconds[-1]:.1f} s, {numbers}")


def say(line: str) -> None:
    print(line, flush=True)


def peak_memory_mb() -> float:
    """The most memory this process ever held, in units of 1,048,576 bytes."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return round(peak / (1 << 20 if sys.platform == "darwin" else 1 << 10), 1)


def decode_all(program: TutorialProgram, sources: Sequence[str]) -> tuple[list[str], dict[str, Any]]:
    """Decodes one source after the other; times all but the first and those that need their own shape."""
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
            say(f"decoded {number}/{len(sources)}")
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
    """Writes source and hypothesis, a line each; a START among the decoded becomes a space."""
    rows = zip(sources, hypotheses, strict=True)
    text = "".join(f"{source}\t{hypothesis.replace(START, ' ')}\n" for source, hypothesis in rows)
    write_whole(path, lambda stream: stream.write(text.encode()))


def measure(arguments: argparse.Namespace) -> dict[str, Any]:
    """Trains, decodes and writes everything into `arguments.out`, `result.json` last; returns its content."""
    train = read_pairs(arguments.train)
    sources = list(dict.fromkeys(source for source, _ in read_pairs(arguments.test)))[: arguments.decode]
    arguments.out.mkdir(parents=True, exist_ok=True)

    keras.utils.set_random_seed(arguments.seed)
    program = TutorialProgram.from_pairs(train, units=arguments.units, padding=arguments.padding)
    say(
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
    # An old result must never stand beside new files: it goes first, and the new one comes last.
    (arguments.out / "result.json").unlink(missing_ok=True)
    program.save(arguments.out)
    write_hypotheses(arguments.out / "hypotheses.tsv", sources, hypotheses)
    write_json(arguments.out / "result.json", result)
    return result


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Trains and times the character-level LSTM tutorial.")
    parser.add_argument("--train", type=Path, required=True, help="tab-separated pairs to train on")
    parser.add_argument("--test", type=Path, required=True, help="pairs whose sources are decoded")
    parser.add_argument("--out", type=Path, required=True, help="folder for results; made if absent")
    parser.add_argument("--epochs", type=int, default=100)
    parser.add_argument("--padding", choices=PADDINGS, default="zeros", help="what stands after a text")
    parser.add_argument("--decode", type=int, metavar="N", help="only the first N distinct test sources")
    parser.add_argument("--batch-size", type=int, default=64)
    parser.add_argument("--units", type=int, default=256)
    parser.add_argument("--validation-split", type=float, default=0.0, help="share held back; published: 0.2")
    parser.add_argument("--seed", type=int, default=0)
    return parser.parse_args(arguments)


def main(arguments: Sequence[str] | None = None) -> int:
    measure(parse(arguments))
    return 0


if __name__ == "__main__":
    sys.exit(main())
