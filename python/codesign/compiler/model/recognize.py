# SPDX-License-Identifier: Apache-2.0
"""Terms → operators: linear layers, activations, LSTM cells and skip gates, found by what they compute."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from codesign.base.errors import InputError
from codesign.compiler.model.graph import Matrix, Quant, State
from codesign.compiler.model.gru_cell import gru_call
from codesign.compiler.model.hints import TABLE_HINT
from codesign.compiler.model.limits import MAX_WEIGHTS, TOO_LARGE, UNROLLED_HINT
from codesign.compiler.model.patterns import accumulates, is_cell_of, is_gate, is_gate_state, looks_hidden, unguarded
from codesign.compiler.model.terms import (
    Affine,
    AtLeast,
    Binary,
    Call,
    Choice,
    Constant,
    Function,
    Input,
    LstmOperator,
    Operation,
    Pieces,
    Term,
    beside,
    in_order,
    stacked,
)
from codesign.compiler.names import PARTS, STAGES, identifier
from codesign.compiler.operators import Activation, Concat, Linear, LstmCell, Operator, SkipGate
from codesign.compiler.operators.scales import LOGIT, UNIT


class Recognizer:
    """Emits operators in execution order on demand of the graph's outputs."""

    def __init__(
        self,
        path: Path,
        states: Sequence[State],
        outputs: Mapping[str, Term],
        quants: dict[str, Quant],
        taken: frozenset[str] = frozenset(),
        *,
        tflite: bool = False,
    ) -> None:
        self.ops: list[Operator] = []
        self.updates: dict[str, str] = {}
        self._path = path
        self._states = {state.input: state for state in states}
        self._outputs = outputs
        self._quants = quants
        self._tflite = tflite
        self._taken = taken  # names of the file's tensors
        self._emitted: dict[int, str] = {}
        self._called: dict[int, Call] = {}  # kept, so that no other has its id
        self._layer_of: dict[int, LstmCell] = {}  # by the term of the new hidden or cell state
        self._guards: dict[str, str] = {}  # layer → state of the skip gate that guards it, or ""
        self._names: set[str] = {*STAGES, *PARTS}  # and of every operator so far
        self._weights = 0

    def emit_all(self, output: Term) -> str:
        """Emit what the mask and every state need; the mask's value name. `updates` then has every state's next value."""
        mask = self.emit(output)
        new_states = {state.input: self._outputs[state.output] for state in self._states.values()}
        gates = {name: term for name, term in new_states.items() if is_gate_state(term)}
        for name, term in new_states.items():
            if name not in gates and self._may_be_hidden(unguarded(term)):
                self.emit(unguarded(term), self._guard(name))
        for name, term in new_states.items():
            if name in gates:
                continue
            layer = self._layer_of.get(id(unguarded(term)))
            self.updates[name] = self.emit(term) if layer is None else self._of_layer(layer, unguarded(term))
            if isinstance(term, Choice) and layer is not None:
                if layer.carried.get(name) != self.updates[name]:
                    raise self._refuse(term, f"is no skip gate: on a skipped step the old state '{name}' must stay")
                self._same_quant(term, unguarded(term).name)
        for name, term in gates.items():
            self._emit_gate(name, term)
        return mask

    def emit(self, term: Term, guard: str = "") -> str:
        """Name of the value that `term` is, its operators emitted before.

        `guard` is the skip gate's state that also guards the reader: on a skipped step it discards what it reads, so it may
        read a guarded layer's candidate.
        """
        if id(term) not in self._emitted:
            for earlier in in_order(term, self._read_apart, self._emitted):
                if id(earlier) not in self._emitted:
                    self._emitted[id(earlier)] = self._emit(earlier)
        layer = self._layer_of.get(id(term))
        if layer is not None and self._guards[layer.name] not in ("", guard):
            raise self._refuse(term, "is read without its skip gate: on a skipped step the layer's old state is its output")
        return self._emitted[id(term)]

    def _read_apart(self, term: Term) -> Sequence[Term]:
        """The values that the operator of a term reads; none where the term may be a part of a cell."""
        cell = isinstance(term, Binary) and (
            self._may_be_hidden(term) or (not self._quants and gru_call(term, self._states.values(), self._outputs) is not None)
        )
        if cell or not isinstance(term, Binary | Function | Operation):
            return ()
        return [operand for operand in term.reads if not isinstance(operand, Constant)]

    def _emit(self, term: Term) -> str:
        match term:
            case Input():
                return term.name
            case Affine():
                return self._linear(term) if term.apart is None else self._emit(term.apart)
            case Function():
                source = self.emit(term.source)
                given = term.low, term.high, term.parameters, term.curve
                self.ops.append(Activation(self._name(term), term.kind, source, term.name, *given))
                return term.name
            case LstmOperator(is_cell=False):
                return self._lstm(term).output
            case Operation(call=Call() as call):
                return self._operation(term, call)
            case Pieces():
                return self._concat(self._name(term), term.name, term.parts)
            case Binary() if not self._quants and (gru := gru_call(term, self._states.values(), self._outputs)) is not None:
                return self._operation(term, gru)
            case Binary(operator=Operator() as operator) if not self._may_be_hidden(term):
                return self._operation(term, Call(operator, [t for t in term.reads if not isinstance(t, Constant)], [term]))
            case Binary(kind="mul"):
                return self._lstm(term).output
            case Choice():
                return self._guarded(term)
            case Binary():
                raise self._refuse(term, f"({term.kind}) computes something other than an LSTM cell or a skip gate")
            case LstmOperator():
                raise self._refuse(term, "is an LSTM's cell state, which no layer can read")
        raise self._refuse(term, "is not a value that a layer can read")

    def _operation(self, term: Term, call: Call) -> str:
        if id(call) not in self._called:
            self._called[id(call)] = call
            sources = [self.emit(source) for source in call.sources]
            self.ops.append(call.operator.wired(self._name(term), sources, [result.name for result in call.results]))
            self._count(term, self.ops[-1])
        return term.name

    def _concat(self, name: str, value: str, parts: Sequence[Term]) -> str:
        self.ops.append(Concat(name, tuple(self.emit(part) for part in parts), value))
        return value

    def _may_be_hidden(self, term: Term) -> bool:
        """Whether a value looks like an LSTM's new hidden state: σ(…) · tanh(… + …), and a state is fed back from it."""
        fed_back = any(unguarded(self._outputs[state.output]) is term for state in self._states.values())
        return looks_hidden(term, fed_back=fed_back, tflite=self._tflite)

    def _of_layer(self, layer: LstmCell, term: Term) -> str:
        """The value that an LSTM's new hidden or cell state is."""
        return layer.output if self._emitted.get(id(term)) == layer.output else layer.cell_output

    def _count(self, term: Term, op: Operator) -> None:
        self._weights += sum(matrix.values.size for matrix in op.matrices)
        if self._weights > MAX_WEIGHTS:  # layers may share a tensor of the file, and each has its own copy here
            raise self._refuse(term, f"brings the layers to more than {MAX_WEIGHTS:,} weights", TOO_LARGE)

    def _linear(self, term: Affine) -> str:
        weight = beside([matrix for _, matrix in term.parts])
        if weight is None:
            raise self._refuse(term, "adds matrix products whose rows have several scales", "give all of them one scale a row")
        name = self._name(term)
        source = self.emit(term.parts[0][0]) if len(term.parts) == 1 else self._joined(term)
        self.ops.append(Linear(name, source, term.name, weight, term.bias))
        self._count(term, self.ops[-1])
        return term.name

    def _joined(self, term: Affine) -> str:
        """The concatenation of what a sum of products reads: the file's own, where it has that."""
        parts = [part for part, _ in term.parts]
        if len(term.joined) == 1 and term.joined[0].parts == parts:
            return self.emit(term.joined[0])
        self._check_joined(term)
        value = f"{term.name}:sources"
        while value in self._taken:
            value += "'"
        return self._concat(identifier(f"{term.node or term.name} sources", self._names, "layer"), value, parts)

    def _check_joined(self, term: Affine) -> None:
        """A concatenation that is taken apart has no parameters other than its parts."""
        for whole in term.joined:
            for part in whole.parts:
                if whole.name in self._quants and self._quants.get(part.name) != self._quants[whole.name]:
                    raise self._refuse(whole, f"and its part '{part.name}' are quantized differently")

    def _lstm(self, term: Term) -> LstmCell:
        """The LSTM whose new hidden state is `term`."""
        if id(term) in self._layer_of:
            return self._layer_of[id(term)]
        if isinstance(term, LstmOperator):
            cell, cell_term = self._from_operator(term)
        else:
            cell, cell_term = self._from_cell(term)
        self._guards[cell.name] = self._guard_of(cell)
        if self._guards[cell.name]:
            self._check_fed_back(cell.hidden, term, "hidden")
            self._check_fed_back(cell.cell, cell_term, "cell")
        self.ops.append(cell)
        self._count(term, cell)
        self._layer_of[id(term)] = self._layer_of[id(cell_term)] = cell
        self._emitted[id(term)] = cell.output
        return cell

    def _from_operator(self, term: LstmOperator) -> tuple[LstmCell, Term]:
        new_cell = next((t for t in map(unguarded, self._outputs.values()) if is_cell_of(t, term)), None)
        hidden, cell = self.emit(term.hidden), self.emit(term.cell)
        names = term.name, f"{term.name}:cell" if new_cell is None else new_cell.name
        source = self.emit(term.source, self._guard(hidden))
        matrices = term.input_weight, term.recurrent_weight
        layer = LstmCell(self._name(term), source, hidden, cell, *names, *matrices, term.bias, term.cell_clip)
        return layer, new_cell or Term(names[1], 0)

    def _from_cell(self, term: Term) -> tuple[LstmCell, Term]:
        """The decomposed form: h' = σ(o) · tanh(c'), c' = σ(f) · c + σ(i) · tanh(g)."""
        output, new_cell = self._split_product(term, term)
        forget, cell_term, products = None, None, []
        if not (isinstance(new_cell, Binary) and new_cell.kind == "add"):
            raise self._refuse(term, "is no LSTM cell: tanh of no sum")
        for product in (new_cell.left, new_cell.right):
            if not (isinstance(product, Binary) and product.kind == "mul"):
                raise self._refuse(new_cell, "is no LSTM cell: the cell state is no sum of two products")
            for gate, value in product.operands():
                if isinstance(value, Input) and is_gate(gate):
                    forget, cell_term = gate, value
                    break
            else:
                products.append(product)
        if forget is None or cell_term is None or len(products) != 1:
            raise self._refuse(new_cell, "is no LSTM cell: no forget gate times the old cell state")
        input_gate, candidate = self._split_product(products[0], term)
        cell = self._state_input(cell_term, term)
        for function in (output, forget, input_gate):
            self._check_quant(function, UNIT)
        pre_activations = [*input_gate.reads, *forget.reads, candidate, *output.reads]
        hidden = self._hidden(term, pre_activations[0])
        hidden_name = self.emit(hidden)
        sources, inputs, recurrents, biases = [], [], [], []
        for affine in pre_activations:
            self._check_quant(affine, LOGIT)
            source, w, r, bias = self._gate(affine, hidden)
            sources.append(source)
            inputs.append(w)
            recurrents.append(r)
            biases.append(bias)
        if any(source is not sources[0] for source in sources):
            raise self._refuse(term, "is no LSTM cell: its gates read different values")
        return (
            LstmCell(
                self._name(term),
                self.emit(sources[0], self._guard(hidden_name)),
                hidden_name,
                cell,
                term.name,
                new_cell.name,
                stacked(inputs),
                stacked(recurrents),
                np.concatenate(biases),
            ),
            new_cell,
        )

    def _split_product(self, term: Term, where: Term) -> tuple[Term, Term]:
        """(sigmoid, what is inside the tanh) of a product σ(…) · tanh(…)."""
        if isinstance(term, Binary) and term.kind == "mul":
            for gate, other in term.operands():
                if is_gate(gate) and isinstance(other, Function) and other.kind == "tanh":
                    self._check_quant(other, UNIT)
                    return gate, other.source
        raise self._refuse(where, "multiplies values in a way that is no LSTM cell")

    def _hidden(self, term: Term, gate: Term) -> Term:
        """What an LSTM goes on from: the state that is fed back from it, else another that its gates read, or the last part."""
        parts = [source for source, _ in gate.parts] if isinstance(gate, Affine) else []
        states = [part for part in parts if isinstance(part, Input) and part.name in self._states]
        fed_back = {s.input for s in self._states.values() if unguarded(self._outputs[s.output]) is term}
        found = [part for part in states if part.name in fed_back] or states[-1:] or parts[-1:]
        if not found or found[0].size != term.size:
            raise self._refuse(term, "looks like an LSTM's hidden state, but its gates read none", UNROLLED_HINT)
        return found[0]

    def _gate(self, term: Term, hidden: Term) -> tuple[Term, Matrix, Matrix, Sequence[float]]:
        """(source, W, R, bias) of one gate's pre-activation."""
        if not isinstance(term, Affine):
            raise self._refuse(term, "is a gate's pre-activation, but no linear layer")
        self._check_joined(term)
        recurrent = [matrix for source, matrix in term.parts if source is hidden]
        others = [(source, matrix) for source, matrix in term.parts if source is not hidden]
        if len(recurrent) != 1 or len(others) != 1:
            raise self._refuse(
                term,
                f"is no gate of an LSTM: it must add one matrix times an input and one times '{hidden.name}'",
            )
        return others[0][0], others[0][1], recurrent[0], term.bias.tolist()

    def _guard(self, state: str) -> str:
        """State of the skip gate that decides whether `state` changes; "" without one, and for what is no state."""
        if state not in self._states:
            return ""
        term = self._outputs[self._states[state].output]
        if not isinstance(term, Choice):
            return ""
        if not isinstance(term.otherwise, Input) or term.otherwise.name != state:
            raise self._refuse(term, f"is no skip gate: on a skipped step the old state '{state}' must stay")
        return self._gate_state(term)

    def _guard_of(self, cell: LstmCell) -> str:
        guard = self._guard(cell.hidden)
        if self._guard(cell.cell) != guard:
            raise InputError(
                f"{self._path}: '{cell.name}': its hidden and cell state must be guarded by one skip gate, or both by none",
                hint="docs/model-file.md shows a skip gate",
            )
        return guard

    def _guarded(self, choice: Choice) -> str:
        """The value of a state that a skip gate guards: the layer's own."""
        gate = self._gate_state(choice)
        name = self.emit(choice.then, gate)
        layer, kept = self._layer_of.get(id(choice.then)), choice.otherwise
        if layer is None or not isinstance(kept, Input) or (kept.name, gate) != (layer.hidden, self._guards[layer.name]):
            raise self._refuse(choice, "is no skip gate: on a skipped step the layer's old hidden state must stay")
        self._same_quant(choice, name)
        return name

    def _same_quant(self, choice: Choice, name: str) -> None:
        """Parameters given to a guarded state are those of the layer's."""
        quant = self._quants.get(choice.name)
        if quant is not None and self._quants.setdefault(name, quant) != quant:
            raise self._refuse(choice, f"and '{name}' are one value but quantized differently")

    def _emit_gate(self, state: str, choice: Choice) -> None:
        """S' = delta where the step updates, else min(s + delta, 1)."""
        if self._gate_state(choice) != state:
            raise self._refuse(choice, f"is no skip gate: it decides on another state than '{state}'")
        delta, skipped = choice.then, choice.otherwise
        if not (isinstance(delta, Function) and delta.kind == "sigmoid" and isinstance(delta.source, Affine)):
            raise self._refuse(choice, "is no skip gate: its increment is no sigmoid of a linear layer")
        if not accumulates(skipped, state, delta):
            raise self._refuse(choice, "is no skip gate: a skipped step must give min(state + increment, 1)")
        for value, quant in ((delta, UNIT), (delta.source, LOGIT), (choice, UNIT)):
            self._check_quant(value, quant)
        if len(delta.source.parts) != 1 or delta.size != 1:
            raise self._refuse(delta, "is no skip gate: one number from one hidden state is expected")
        source, weight = delta.source.parts[0]
        layers = [
            self._layer_of[id(unguarded(term))].name
            for term in self._outputs.values()
            if isinstance(term, Choice) and term is not choice and self._gate_state(term) == state
        ]
        ordered = tuple(op.name for op in self.ops if op.name in layers)
        if not ordered:
            raise self._refuse(choice, "is a skip gate that guards no layer")
        self.updates[state] = choice.name
        gate = SkipGate(self._name(choice), state, ordered, self.emit(source), weight, delta.source.bias, choice.name)
        self.ops.append(gate)

    def _gate_state(self, choice: Choice) -> str:
        condition = choice.condition
        if not (isinstance(condition, AtLeast) and isinstance(condition.source, Input) and condition.source.size == 1):
            raise self._refuse(choice, "is no skip gate: its condition is not GreaterOrEqual(state, 0.5)")
        if condition.threshold != 0.5 or condition.source.name not in self._states:
            raise self._refuse(choice, f"is no skip gate: threshold {condition.threshold:g}, 0.5 of a state is expected")
        return condition.source.name

    def _state_input(self, term: Term, where: Term) -> str:
        if not isinstance(term, Input) or term.name not in self._states:
            raise self._refuse(where, f"reads '{term.name}' where a state of the model is expected")
        return term.name

    def _check_fed_back(self, state: str, term: Term, what: str) -> None:
        if unguarded(self._outputs[self._states[state].output]) is not term:
            raise self._refuse(term, f"under a skip gate: its new {what} state is not what state '{state}' gets next")

    def _check_quant(self, term: Term, wanted: Quant) -> None:
        found = self._quants.get(term.name)
        if found is not None and found != wanted:
            raise self._refuse(
                term,
                f"inside an LSTM or skip gate is quantized with {found.bits} bits, scale {found.scale:g}; "
                f"the layer has {wanted.bits} bits, scale {wanted.scale:g}",
                "docs/model-file.md shows where an LSTM is quantized",
            )

    def _name(self, term: Term) -> str:
        return identifier(term.node or term.name, self._names, "layer")

    def _refuse(self, term: Term, message: str, hint: str = TABLE_HINT) -> InputError:
        return InputError(f"{self._path}: '{term.node or term.name}' {message}", hint=hint)
