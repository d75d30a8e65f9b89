# SPDX-License-Identifier: Apache-2.0
"""A graph over many frames → one step with states.

The time axis is found by experiment: sizes are inferred for two numbers of frames, and an axis that grows with it is time.
Then every operator on the way either works on each frame alone, or keeps what it needs of the past in a state, or is refused.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np
import onnx

from codesign.base.errors import InputError
from codesign.compiler.model.limits import EXPORT_HINT
from codesign.compiler.model.passes.causal import stepped
from codesign.compiler.model.passes.draft import Draft, attribute, operand
from codesign.compiler.model.passes.states import add_recurrent_states, starts_known
from codesign.compiler.model.passes.stream import STRONG, Stream, time_evidence
from codesign.compiler.model.passes.walk import walk
from codesign.compiler.model.passes.weights import RECURRENT
from codesign.compiler.model.shapes import mismatch

_RESIZE_AXES = 18  # the first opset in which Resize names axes
_FEW, _MANY = 131, 173
"""Two numbers of frames, more than a causal convolution reaches back and unlike other sizes."""


def one_step(draft: Draft) -> Draft:
    """The draft of one frame, walked.

    Raises:
        InputError: what cannot be computed frame after frame, by name.
    """
    try:
        return _one_step(draft)
    except InputError:
        bound = _with_said_length(draft)
        if bound is None:
            raise
    return _one_step(bound)


def _one_step(draft: Draft) -> Draft:
    symbols = dict.fromkeys(size for dims in draft.dims.values() for size in dims if isinstance(size, str))
    found, failures = [], []
    for symbol in symbols:
        try:
            stream = _stream(draft, symbol)
        except InputError as error:
            failures.append(error)
            continue
        found.append((time_evidence(stream), symbol, stream))
    best = max((evidence for evidence, _, _ in found), default=0)
    if best < STRONG and failures and any(node.op_type in ("Loop", "Scan") for node in draft.nodes):
        raise failures[0]
    likely = [(symbol, stream) for evidence, symbol, stream in found if evidence == best > 0]
    if len(likely) > 1:
        names = " and ".join(f"'{symbol}'" for symbol, _ in likely)
        raise InputError(f"{draft.path}: both {names} may be time", hint="give all sizes but the number of frames")
    if likely:
        _check_said(draft, likely[0][1].few)
        return _frames(draft, *likely[0])
    plain = walk(draft)
    _check_said(draft, plain)
    fixed = _fixed_length(draft, plain)
    if fixed is not None:
        return fixed
    add_recurrent_states(plain)
    return walk(plain)


def _with_said_length(draft: Draft) -> Draft | None:
    """The draft with the number of frames that the file says further in, where an input leaves it open: torch's default
    exporter writes that of its example after a recurrent layer. None where the file says no such number.
    """
    try:
        plain = walk(draft)
    except InputError:
        return None
    said = {info.name: info.type.tensor_type.shape.dim for info in draft.said if info.name in plain.types}
    pairs = [(dim.dim_value, size) for name, dims in said.items() for dim, size in zip(dims, plain.shape(name), strict=False)]
    lengths = {value for value, size in pairs if value > size == 1}
    for length in sorted(lengths) if len(lengths) == 1 else ():
        for symbol in dict.fromkeys(size for dims in draft.dims.values() for size in dims if isinstance(size, str)):
            bound = draft.clone()
            bound.dims = {n: [length if size == symbol else size for size in dims] for n, dims in draft.dims.items()}
            try:
                _check_said(draft, walk(bound))
            except InputError:
                continue
            bound.note(f"'{symbol}' is {length} further in: read as a file of {length} frames")
            return bound
    return None


def _check_said(draft: Draft, walked: Draft) -> None:
    """What the file says of a value's type and sizes is what its operators give."""
    for info in draft.said:
        if info.name not in walked.types:
            continue
        problem = mismatch(walked.types[info.name].proto(), info)
        if problem:
            raise InputError(f"{draft.path}: '{info.name}' {problem}", hint=EXPORT_HINT)


def _stream(draft: Draft, symbol: str) -> Stream:
    return Stream(walk(draft, {symbol: _FEW}), walk(draft, {symbol: _MANY}), (_FEW, _MANY))


def _frames(draft: Draft, symbol: str, stream: Stream) -> Draft:
    where = [
        f"axis {axis} of '{name}'" for name, dims in draft.dims.items() for axis, size in enumerate(dims) if size == symbol
    ]
    try:
        one = walk(draft, {symbol: 1})
    except InputError:
        _check_windows(stream)
        raise
    one.drop_dead()
    one.note(f"the file reads many frames at once ({', '.join(where)}): it is taken one frame a step, states keep the past")
    return walk(stepped(one, stream))


def _check_windows(stream: Stream) -> None:
    """Refuse a convolution that gives fewer frames than it reads, which no single frame is enough for."""
    for node in stream.few.nodes:
        if node.op_type != "Conv" or not stream.growing(node.output[0]):
            continue
        axis = stream.growing(node.output[0])[0]
        lost = stream.few.shape(node.input[0])[axis] - stream.few.shape(node.output[0])[axis]
        if lost > 0:
            hint = f"pad {lost} frames of zeros in front in the network, or export one step with past frames as a state"
            raise stream.few.refuse(node, f"gives {lost} frames fewer than it reads: nothing comes before the first", hint=hint)


def _fixed_length(draft: Draft, plain: Draft) -> Draft | None:
    """One frame of a graph that reads a fixed number of them: a recurrent layer starts from known numbers and runs along an
    axis, or all that looks along it looks back only. None where there is no such axis, or the graph has states of its own.
    """
    lengths = {plain.shape(node.input[0])[0] for node in plain.nodes if node.op_type in RECURRENT and starts_known(plain, node)}
    for name, dims in draft.dims.items():
        for axis, size in enumerate(dims):
            if not isinstance(size, int) or size < 2 or (size not in lengths and len(draft.dims) > 1):
                continue
            stream = None
            for opened in _ways_to_open(draft, plain, name, axis, _grown(plain, size)):
                try:
                    stream = _stream(opened, "frames")
                    break
                except InputError:
                    continue
            if stream is None:
                continue
            if time_evidence(stream) < STRONG or not stream.keeps_frames(draft.outputs[0]):
                continue
            try:
                stepped_draft = _frames(opened, "frames", stream)
            except InputError:
                if size in lengths and len(draft.dims) == 1:
                    raise
                continue  # such as a symmetric convolution, or a layer both ways, along frequency
            if stepped_draft.states:
                return stepped_draft
    return None


def _grown(plain: Draft, size: int) -> list[int]:
    """A number of frames, and those that padding, joining and cutting make of it."""
    sizes = {size}
    for node in plain.nodes:
        if node.op_type in ("Pad", "Concat", "Slice"):
            pairs = zip(plain.shape(node.input[0]), plain.shape(node.output[0]), strict=True)
            sizes |= {after for before, after in pairs if before in sizes}
    return sorted(sizes)


def _ways_to_open(draft: Draft, plain: Draft, name: str, axis: int, sizes: list[int]) -> Iterator[Draft]:
    """The draft with one size of an input left open, alone and with that of all other inputs that have it once, also where
    shapes of reshapes repeat it, or another of `sizes`.
    """
    size = draft.dims[name][axis]
    others = {other: dims.index(size) for other, dims in draft.dims.items() if other != name and dims.count(size) == 1}
    yield _opened(draft, plain, {name: axis}, sizes)
    if others:
        yield _opened(draft, plain, {name: axis, **others}, sizes)


def _opened(draft: Draft, plain: Draft, axes: Mapping[str, int], sizes: list[int]) -> Draft:
    opened = draft.clone()
    for name, axis in axes.items():
        opened.dims[name][axis] = "frames"
    for node in opened.nodes:
        if node.op_type == "Resize":
            _resize_alone(opened, plain, node)
        shape = opened.constants.get(operand(node, 1)) if node.op_type == "Reshape" else None
        if shape is None or shape.ndim != 1 or (shape == -1).any() or int(np.isin(shape, sizes).sum()) != 1:
            continue
        open_shape = np.where(np.isin(shape, sizes), -1, shape).astype(np.int64)
        node.input[1] = opened.constant(open_shape, f"{node.output[0]}_shape")
    return opened


def _resize_alone(draft: Draft, plain: Draft, node: onnx.NodeProto) -> None:
    """Let a Resize to known sizes name the axes alone that it changes: the number of frames is none of them."""
    sizes = draft.constants.get(operand(node, 3))
    if sizes is None or attribute(node, "axes", None) is not None or node.input[0] not in plain.types:
        return
    axes = [axis for axis, (a, b) in enumerate(zip(plain.shape(node.input[0]), sizes.tolist(), strict=True)) if a != b]
    if axes and draft.opset >= _RESIZE_AXES:
        node.attribute.append(onnx.helper.make_attribute("axes", axes))
        node.input[3] = draft.constant(sizes[axes], f"{node.output[0]}_sizes")
