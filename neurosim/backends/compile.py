"""The two verbs: compile a circuit for a backend, and simulate it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from neurosim.circuit.circuit import Circuit
from neurosim.errors import BackendError, CircuitError, nearest

if TYPE_CHECKING:
    from neurosim.backends.simulator import Simulator
    from neurosim.recording import Recording, State

#: Backend name: module, what makes a simulator, options class, packages that it needs.
BACKENDS = {
    "brian2": ("neurosim.backends.brian2.simulator", "Brian2Simulator", "Brian2Options", ("brian2",)),
    "snntorch": (
        "neurosim.backends.snntorch.compiling", "compiled_circuit", "SnntorchOptions", ("brian2", "torch", "snntorch"),
    ),
}  # fmt: skip


def compile(circuit: Circuit, backend: str = "snntorch", *, dt: Any = None, **options: Any) -> Any:
    """Make a circuit ready to run on a backend.

    Parameters
    ----------
    circuit
        What to run.
    backend
        ``"brian2"`` or ``"snntorch"``.
    dt
        Another time step than the circuit's.
    options
        The backend's options: fields of ``Brian2Options`` or ``SnntorchOptions``.

    Returns
    -------
    Simulator
        With ``run(duration, ...)``; the torch one is also an ``nn.Module``. With ``dtype="float64", training=False`` on
        a CPU it is not, but has one as ``.module``, made when it is needed: such runs do not even load torch.

    Raises
    ------
    BackendError
        If the backend is unknown or not installed, or has no such option.
    UnsupportedError
        If it cannot express something of the circuit.
    """
    if not isinstance(circuit, Circuit):
        raise CircuitError(f"compile needs a Circuit, got {type(circuit).__name__}.")
    module_name, class_name, options_name, packages = _backend(backend)
    for package in packages:
        if find_spec(package) is None:
            raise BackendError(
                f"backend {backend!r} needs the package {package!r}, which is not installed: pip install {package}"
            )
    module = import_module(module_name)
    options_class = getattr(module, options_name)
    known = [field.name for field in fields(options_class)]
    for name in options:
        if name not in known:
            raise BackendError(f"backend {backend!r} has no option {name!r}.{nearest(name, known)}")
    if dt is not None:
        circuit = circuit.replace({"dt": dt})
    return getattr(module, class_name)(circuit, options_class(**options))


def _backend(name: str) -> tuple[str, str, str, tuple[str, ...]]:
    if name not in BACKENDS:
        raise BackendError(f"unknown backend {name!r}.{nearest(str(name), BACKENDS)}")
    return BACKENDS[name]


def simulate(
    circuit: Circuit,
    duration: Any,
    *,
    backend: str = "brian2",
    dt: Any = None,
    inputs: Mapping[str, Any] | None = None,
    record: Any = None,
    state: State | None = None,
    seed: int = 0,
    trials: int = 1,
    progress: Any = None,
    store: str | Path | None = None,
    resume: bool = False,
    **options: Any,
) -> Recording:
    """Compile and run a circuit; see :func:`compile` and :meth:`neurosim.backends.simulator.Simulator.run`.

    On the torch backend this takes the path without gradients, in float64, with numpy's functions, whose spikes and
    states equal Brian2's to the last bit.
    """
    if backend == "snntorch":
        options = {"dtype": "float64", "training": False, **options}
    simulator: Simulator = compile(circuit, backend, dt=dt, **options)
    return simulator.run(
        duration, inputs=inputs, record=record, state=state, seed=seed, trials=trials, progress=progress,
        store=store, resume=resume,
    )  # fmt: skip
