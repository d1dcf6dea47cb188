"""Diagrams of functional models as SVG: a box with shapes for each call of a layer, arrows for tensors."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from passerelle.plots.svg import Arrow, Box, draw

if TYPE_CHECKING:
    import keras

__all__ = ["draw_model"]

_LONGEST_LINE = 46  # characters of shapes
_MOST_REPEATED = 3  # equal shapes that are written individually, such as the output and states of an LSTM


def draw_model(model: keras.Model, *, title: str = "") -> str:
    """Draw a functional model from its inputs (top) to its outputs (bottom).

    Each call of a layer is a box with the layer's name, its class, and its input and output shapes. A layer that is
    called twice has two boxes; calls that belong to other models are omitted. An operation of `keras.ops` is a small
    box. One arrow stands for all tensors between two boxes and shows their number; a dashed arrow has only masks. If
    there are more than four inputs (or outputs), each is drawn next to the layers that it leads to (comes from).

    Args:
        model: a functional Keras model, or a Sequential model that is built.
        title: a heading, and the accessible name of the picture. If empty, there is no heading and the name is the
            model's.

    Returns:
        The text of an SVG document, for a file or for use inside an HTML page.

    Raises:
        ValueError: if the model is not functional, or a Sequential model is not built.
    """
    inputs, outputs = _ends(model)
    calls = _calls([*inputs, *outputs])
    boxes = _boxes(list(calls.values()))
    arrows = _arrows(calls)
    for source, group in _group_outputs(model, calls).items():
        arrows.append(Arrow(source, len(boxes), len(group), all(_is_mask(tensor) for _, tensor in group)))
        rows = tuple((label, _shape_lines([tensor])) for label, tensor in group)
        boxes.append(Box("output", "", "output" if len(group) == 1 else "outputs", rows))
    name = title or f"Model {model.name}"
    return draw(boxes, arrows, heading=title, title=name, description=_describe(boxes, arrows))


def _ends(model: Any) -> tuple[Sequence[Any], Sequence[Any]]:
    # These properties raise AttributeError for a Sequential model that is not built, and are None for a subclassed one.
    inputs, outputs = getattr(model, "inputs", None), getattr(model, "outputs", None)
    if isinstance(inputs, list) and isinstance(outputs, list) and outputs:
        tensors: list[Any] = [*inputs, *outputs]
        if all(hasattr(tensor, "_keras_history") for tensor in tensors):
            return inputs, outputs
    raise ValueError(
        f"`model` must be a functional Keras model, received: {type(model).__name__} {getattr(model, 'name', '')!r}. "
        "Create it with keras.Model(inputs, outputs), or build a Sequential model by calling it once."
    )


def _producer(tensor: Any) -> Any:
    """Return the call (Keras's `Node`) that produced a symbolic tensor."""
    history = tensor._keras_history
    return history.operation._inbound_nodes[history.node_index]


def _calls(tensors: Sequence[Any]) -> dict[int, Any]:
    """Return all calls that `tensors` depend on, by id, producers before consumers."""
    done: dict[int, Any] = {}
    pending = [_producer(tensor) for tensor in reversed(tensors)]
    while pending:
        call = pending[-1]
        missing = [] if id(call) in done else [_producer(tensor) for tensor in call.input_tensors]
        missing = [producer for producer in missing if id(producer) not in done]
        if missing:
            pending.extend(reversed(missing))
        else:
            done[id(pending.pop())] = call
    return done


def _boxes(calls: Sequence[Any]) -> list[Box]:
    totals = Counter(id(call.operation) for call in calls)
    seen: Counter[int] = Counter()
    boxes: list[Box] = []
    for call in calls:
        operation, outputs = call.operation, _shape_lines(call.outputs)
        role = _role(operation)
        if not hasattr(operation, "weights"):  # an operation of keras.ops, not a layer
            boxes.append(Box(role, operation.name, "", (("", outputs),)))
            continue
        seen[id(operation)] += 1
        kind, total = _kind(operation), totals[id(operation)]
        if total > 1:
            kind += f", call {seen[id(operation)]} of {total}"
        inputs = _shape_lines(call.input_tensors or call.outputs)
        boxes.append(Box(role, operation.name, kind, (("input", inputs), ("output", outputs))))
    return boxes


def _arrows(calls: Mapping[int, Any]) -> list[Arrow]:
    place = {key: at for at, key in enumerate(calls)}
    arrows: list[Arrow] = []
    for key, call in calls.items():
        sources = [place[id(_producer(tensor))] for tensor in call.input_tensors]
        for source, tensors in Counter(sources).items():
            carried = [tensor for at, tensor in zip(sources, call.input_tensors, strict=True) if at == source]
            arrows.append(Arrow(source, place[key], tensors, all(_is_mask(tensor) for tensor in carried)))
    return arrows


def _is_mask(tensor: Any) -> bool:
    return str(tensor.dtype) == "bool"


def _group_outputs(model: Any, calls: Mapping[int, Any]) -> dict[int, list[tuple[str, Any]]]:
    """Return the model's outputs, each with its name, by the index of the box that produces them."""
    place = {key: at for at, key in enumerate(calls)}
    graph = getattr(model, "_functional", None) or model  # the attribute of a Sequential model that contains its graph
    groups: dict[int, list[tuple[str, Any]]] = {}
    for path, tensor in _leaves(getattr(graph, "_outputs_struct", graph.outputs)):
        producer = _producer(tensor)
        label = ".".join(str(key) for key in path)
        if not any(isinstance(key, str) for key in path):
            label = producer.operation.name
            if len(producer.outputs) > 1:
                label += f"[{tensor._keras_history.tensor_index}]"
        groups.setdefault(place[id(producer)], []).append((label, tensor))
    return groups


def _leaves(tree: Any, path: tuple[str | int, ...] = ()) -> Iterator[tuple[tuple[str | int, ...], Any]]:
    if isinstance(tree, Mapping):
        for key, branch in tree.items():
            yield from _leaves(branch, (*path, str(key)))
    elif isinstance(tree, Sequence):
        for at, branch in enumerate(tree):
            yield from _leaves(branch, (*path, at))
    elif tree is not None:
        yield path, tree


def _kind(layer: Any) -> str:
    wrapped = _wrapped(layer)
    return type(layer).__name__ + (f" ({type(wrapped).__name__})" if wrapped is not None else "")


def _wrapped(layer: Any) -> Any:
    """Return the layer inside a wrapper such as Bidirectional or TimeDistributed; None for other layers."""
    for attribute in ("forward_layer", "layer"):
        inner = getattr(layer, attribute, None)
        if hasattr(inner, "_inbound_nodes"):
            return inner
    return None


def _role(operation: Any) -> str:
    names = [base.__name__ for base in type(operation).__mro__]
    if "InputLayer" in names:
        return "input"
    if any("Attention" in name for name in names):
        return "attention"
    if any(name in ("RNN", "LSTM", "GRU", "SimpleRNN") for name in names):
        return "recurrent"
    if any("Embedding" in name or "OneHot" in name for name in names):
        return "embedding"
    if any(name in ("Dense", "EinsumDense", "FeedForward") for name in names):
        return "dense"
    wrapped = _wrapped(operation)
    return "other" if wrapped is None else _role(wrapped)


def _shape_lines(tensors: Sequence[Any]) -> tuple[str, ...]:
    """Format shapes like Keras's `plot_model`: a single shape, or several in brackets; wrap long lines."""
    shapes = [str(tuple(tensor.shape)) for tensor in tensors]
    if len(shapes) == 1:
        return (shapes[0],)
    runs: list[tuple[str, int]] = []
    for shape in shapes:
        if runs and runs[-1][0] == shape:
            runs[-1] = (shape, runs[-1][1] + 1)
        else:
            runs.append((shape, 1))
    words = [
        word
        for shape, count in runs
        for word in ([shape] * count if count <= _MOST_REPEATED else [f"{count} × {shape}"])
    ]
    lines = ["["]
    for at, word in enumerate(words):
        if len(lines[-1]) > 1 and len(lines[-1]) + len(word) > _LONGEST_LINE:
            lines[-1] = lines[-1].rstrip()
            lines.append(" ")
        lines[-1] += word + ("]" if at + 1 == len(words) else ", ")
    return tuple(lines)


def _describe(boxes: Sequence[Box], arrows: Sequence[Arrow]) -> str:
    """Return the description of the picture for screen readers: the boxes, then the arrows."""
    names = [box.name or ", ".join(label for label, _ in box.rows) for box in boxes]
    shown = "; ".join(f"{box.kind or 'operation'} {name}" for box, name in zip(boxes, names, strict=True))
    fed = "; ".join(f"{names[arrow.source]} to {names[arrow.target]}" for arrow in arrows)
    return f"Boxes, producers first: {shown}. Arrows: {fed}."
