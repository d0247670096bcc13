"""A call of a module as one operator of a graph, so that ``torch.compile`` takes the code around it whole.

Nothing inside a call is a graph: loops, event lists and the numbers of a state are made as the call goes. So the
call is an operator, ``neurosim::call``, that says what shapes it returns and runs the module as ever when its turn
comes. Its way back is ``neurosim::call_backward``, which runs the call once more to have what the gradients need: a
graph keeps tensors, and what the loops keep are arrays.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any
from weakref import WeakValueDictionary

import torch
from torch import Tensor
from torch.func import functional_call
from torch.utils import _pytree as pytree

from neurosim.backends.snntorch.arguments import chosen_records
from neurosim.backends.states import initial_state
from neurosim.recording import State

if TYPE_CHECKING:
    from neurosim.backends.snntorch.module import CircuitModule

#: Modules that stand in a graph; an operator is given numbers and tensors only.
_modules: WeakValueDictionary[int, CircuitModule] = WeakValueDictionary()
Outputs = dict[str, dict[str, Tensor]]
_KINDS = ("variables", "spikes", "last_spike", "not_refractory")
_HEAD = ("step", "dt", "trials", "circuit_digest", "seed")


def _addresses(state: State) -> list[tuple[str, ...]]:
    """Return where the arrays of a state stand, in the order of :meth:`State.arrays`."""
    found: list[tuple[str, ...]] = [
        ("variables", name, key) for name, group in state.variables.items() for key in group
    ]
    return found + [(kind, name) for kind in _KINDS[1:] for name in getattr(state, kind)]


def _flatten(state: State) -> tuple[list[Any], Any]:
    head = tuple(getattr(state, name) for name in _HEAD)
    return [array for _, array in state.arrays()], (head, tuple(_addresses(state)))


def _unflatten(arrays: Any, context: Any) -> State:
    """Return a state without looking at its arrays: a graph that is being traced has none."""
    head, addresses = context
    parts: dict[str, Any] = {kind: {} for kind in _KINDS}
    for address, array in zip(addresses, arrays, strict=True):
        if len(address) == 3:
            parts[address[0]].setdefault(address[1], {})[address[2]] = array
        else:
            parts[address[0]][address[1]] = array
    state = object.__new__(State)
    for name, value in (*zip(_HEAD, head, strict=True), *parts.items()):
        object.__setattr__(state, name, value)
    return state


pytree.register_pytree_node(State, _flatten, _unflatten, serialized_type_name="neurosim.State")


def call_in_graph(
    module: CircuitModule,
    inputs: Mapping[str, Any] | None,
    state: State | None,
    steps: int | None,
    record: Any,
    seed: int,
) -> tuple[Outputs, State]:
    """Call a module without layers by the operator (for the arguments see :meth:`CircuitModule.forward`).

    Layers may change when they are called, and a way back calls twice.
    """
    given = [[] if one is None else [one] for one in (state, steps, record)]  # a graph has no place for None
    found: tuple[Outputs, State] = _in_graph(module, inputs or {}, given, seed)
    return found


@torch._dynamo.nonstrict_trace
def _in_graph(
    module: CircuitModule, inputs: Mapping[str, Any], options: list[list[Any]], seed: int
) -> tuple[Outputs, State]:
    """Put the operator into the graph that is being made."""
    given = dict(inputs)
    state, steps, record = (next(iter(found), None) for found in options)
    head, addresses = (None, ()) if state is None else _flatten(state)[1]
    request = json.dumps(
        {"inputs": list(given), "state": head, "addresses": addresses, "steps": steps, "record": record, "seed": seed}
    )
    arrays = [] if state is None else [array for _, array in state.arrays()]
    _modules[id(module)] = module
    flat = torch.ops.neurosim.call([*module.parameters(), *given.values(), *arrays], id(module), request)
    return _packed(module, flat, _start(module, request, _batch(given, state)), _n_steps(given, steps))


def _n_steps(given: Mapping[str, Tensor], steps: int | None) -> int:
    return next((int(tensor.shape[0]) for tensor in given.values()), steps or 0)


def _batch(given: Mapping[str, Tensor], state: State | None) -> int:
    return next((int(tensor.shape[1]) for tensor in given.values()), 1 if state is None else state.trials)


def _start(module: CircuitModule, request: str, batch: int) -> tuple[list[tuple[str, str]], State]:
    """Return what a call records, and a state with the step it begins in and the shapes that it ends with."""
    asked = json.loads(request)
    first = initial_state(module.circuit, module.program, asked["seed"], batch)
    if asked["state"] is not None:
        context = (tuple(asked["state"]), [tuple(address) for address in asked["addresses"]])
        first = _unflatten([array for _, array in first.arrays()], context)
    return chosen_records(module.circuit, module.program, asked["record"]), first


def _packed(
    module: CircuitModule, flat: Sequence[Tensor], start: tuple[list[tuple[str, str]], State], steps: int
) -> tuple[Outputs, State]:
    """Return outputs and state from the list that the operator returns."""
    chosen, first = start
    outputs: Outputs = {}
    for (name, variable), values in zip(chosen, flat, strict=False):
        outputs.setdefault(name, {})[variable] = values
    (step, *others), addresses = _flatten(first)[1]
    return outputs, _unflatten(flat[len(chosen) :], ((step + steps, *others), addresses))


# -- the operators -----------------------------------------------------------------------------------------------


def _run(tensors: Sequence[Tensor], key: int, request: str) -> list[Tensor]:
    """Run a module with other parameters; return what the operator returns."""
    module, asked = _modules[key], json.loads(request)
    names = [name for name, _ in module.named_parameters()]
    own, others = tensors[: len(names)], list(tensors[len(names) :])
    inputs = dict(zip(asked["inputs"], others, strict=False))
    state = None
    if asked["state"] is not None:
        state = _unflatten(others[len(inputs) :], (asked["state"], asked["addresses"]))
    options = {"steps": asked["steps"], "record": asked["record"], "seed": asked["seed"]}
    outputs, end = functional_call(module, dict(zip(names, own, strict=True)), (inputs, state), options)
    return [*(value for values in outputs.values() for value in values.values()), *(array for _, array in end.arrays())]


@torch.library.custom_op("neurosim::call", mutates_args=())
def call(tensors: list[Tensor], key: int, request: str) -> list[Tensor]:
    """Run a module: `tensors` are its parameters, its inputs, and the arrays of the state that it begins with."""
    with torch.no_grad():
        found = _run(tensors, key, request)
    seen = {tensor.untyped_storage().data_ptr() for tensor in tensors}
    results = []
    for tensor in found:
        place = tensor.untyped_storage().data_ptr()
        results.append(tensor.clone(memory_format=torch.contiguous_format) if place in seen else tensor.contiguous())
        seen.add(place)
    return results


@call.register_fake
def _(tensors: list[Tensor], key: int, request: str) -> list[Tensor]:
    module, asked = _modules[key], json.loads(request)
    program, first_input = module.program, len(list(module.parameters()))
    like: Any = tensors[first_input] if asked["inputs"] else None
    steps, batch = (asked["steps"], asked["state"][2] if asked["state"] else 1) if like is None else like.shape[:2]
    chosen, start = _start(module, request, 1)
    made = []
    for name, _ in chosen:
        shape = (
            module.circuit.populations[name].shape if name in program.populations else (program.projections[name].n,)
        )
        made.append(torch.empty((steps, batch, *shape), dtype=module.torch_dtype, device=module.device))
    dtypes = {"last_spike": torch.float64, "not_refractory": torch.bool}
    for (kind, *_), (_, array) in zip(_addresses(start), start.arrays(), strict=True):
        depth = array.shape[:-2]
        dtype = dtypes.get(kind, module.torch_dtype)
        made.append(torch.empty((*depth, batch, array.shape[-1]), dtype=dtype, device=module.device))
    return made


@torch.library.custom_op("neurosim::call_backward", mutates_args=())
def call_backward(gradients: list[Tensor], tensors: list[Tensor], key: int, request: str) -> list[Tensor]:
    """Return the gradients of every tensor of a call, 0 where it has none."""

    def recompute() -> list[Tensor]:
        leaves = [tensor.detach().requires_grad_(tensor.is_floating_point()) for tensor in tensors]
        outputs = _run(leaves, key, request)
        felt = [(output, given) for output, given in zip(outputs, gradients, strict=True) if output.requires_grad]
        wanted = [leaf for leaf in leaves if leaf.requires_grad]
        found: Sequence[Tensor | None] = [None] * len(wanted)
        if felt and wanted:
            results, given = zip(*felt, strict=True)
            found = torch.autograd.grad(results, wanted, given, allow_unused=True)
        each = iter(found)
        slopes = [next(each) if leaf.requires_grad else None for leaf in leaves]
        return [
            torch.zeros_like(leaf, memory_format=torch.contiguous_format) if slope is None else slope.contiguous()
            for leaf, slope in zip(leaves, slopes, strict=True)
        ]

    # An operator runs below autograd; a thread of its own does not.
    with ThreadPoolExecutor(1) as alone:
        return alone.submit(recompute).result()


@call_backward.register_fake
def _(gradients: list[Tensor], tensors: list[Tensor], key: int, request: str) -> list[Tensor]:
    return [torch.empty_like(tensor, memory_format=torch.contiguous_format) for tensor in tensors]


def _keep(ctx: Any, inputs: tuple[list[Tensor], int, str], output: list[Tensor]) -> None:
    tensors, ctx.key, ctx.request = inputs
    ctx.save_for_backward(*tensors)


def _backward(ctx: Any, gradients: list[Tensor]) -> tuple[list[Tensor], None, None]:
    return torch.ops.neurosim.call_backward(gradients, list(ctx.saved_tensors), ctx.key, ctx.request), None, None


call.register_autograd(_backward, setup_context=_keep)
