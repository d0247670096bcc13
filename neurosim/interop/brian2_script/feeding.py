"""What is fed into a script's network: spikes, analogue values and random numbers, step by step."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from scipy.special import pdtr

from neurosim.backends.brian2.texts import count_name, input_name, object_name
from neurosim.backends.inputs import Inputs
from neurosim.circuit.parts import Injection, PoissonInput
from neurosim.interop.brian2_script import literals
from neurosim.interop.brian2_script.source import Source
from neurosim.program.step_program import StepProgram

#: Values read at once.
_AT_ONCE = 1 << 20


class Feeding:
    """Writes the sources and inputs of a circuit into a script.

    Parameters
    ----------
    source
        The script.
    inputs
        Of one run, one trial.
    program
        What is run.
    """

    def __init__(self, source: Source, inputs: Inputs, program: StepProgram) -> None:
        self._source = source
        self._inputs = inputs
        self._program = program

    def spike_source(self, name: str) -> None:
        """Append neurons that spike as given."""
        item, key = self._program.populations[name], literals.quoted(name)
        found = [(first, np.nonzero(rows)) for first, rows in self._blocks(name, item.n)]
        steps = np.concatenate([first + where[0] for first, where in found])
        neurons = np.concatenate([where[1] for _, where in found])
        times = f"{self._source.array(f'{name}.step', steps)} * DT * b2.second"
        self._source.call(
            f"groups[{key}]", "b2.SpikeGeneratorGroup",
            [str(item.n), self._source.array(f"{name}.neuron", neurons), times],
            {"name": literals.quoted(object_name(name))},
        )  # fmt: skip

    def signal_source(self, name: str) -> None:
        """Append channels whose values are given."""
        item, key = self._program.populations[name], literals.quoted(name)
        self._source.call(
            f"groups[{key}]", "b2.NeuronGroup", [str(item.n), literals.quoted(f"signal : {item.units['signal']}")],
            {"namespace": "{}", "name": literals.quoted(object_name(name))},
        )  # fmt: skip
        self._held(name, "signal", *_held(self._blocks(name, item.n)), name, None)

    def poisson_source(self, name: str) -> None:
        """Append neurons that spike at random."""
        item, key = self._program.populations[name], literals.quoted(name)
        self._source.call(
            f"groups[{key}]", "b2.NeuronGroup", [str(item.n), '"uniform : 1\\nchance : 1"'],
            {
                "threshold": '"uniform < chance"', "reset": '""', "namespace": "{}",
                "name": literals.quoted(object_name(name)),
            },
        )  # fmt: skip
        dt = self._program.dt
        chances = ((first, rates * dt) for first, rates in self._rates(name, item.n))
        self._held(name, "chance", *_held(chances), name, None)
        self._noise(name, "uniform", "uniform", item.n, 0)

    def injection(self, part: Injection) -> None:
        """Append what an injection adds up to, step by step."""
        item = self._program.populations[part.population]
        neurons = None if part.indices == tuple(range(item.n)) else np.array(part.indices)
        starts, rows = _held(self._blocks(part.name, part.n))
        self._held(part.population, input_name(part.variable, part.name), starts, rows, part.name, neurons)

    def noise(self, name: str) -> None:
        """Append the random numbers that the statements of a population or projection read."""
        if name in self._program.noisy:
            item, size = self._program.noisy[name]
            for site in item.noise:
                self._noise(name, site.symbol, site.kind, size, site.site)

    def poisson_input(self, part: PoissonInput) -> None:
        """Append how many background pulses arrive.

        The counts of rates that do not change are drawn by the script from tables of their distribution; those of
        changing rates are drawn here.
        """
        drive = next(item for item in self._program.poisson if item.name == part.name)
        population = self._program.populations[part.population]
        starts, rates = _held(self._rates(part.name, part.n))
        if len(starts) == 1:
            means, which = np.unique(
                np.broadcast_to(rates[0], part.n) * (part.count * self._program.dt), return_inverse=True
            )
            source = self._source
            rows = f"{source.helper('counts')}({literals.quoted(part.name)}, "
            rows += (
                f"{source.array(f'{part.name}.which', which)}, {source.array(f'{part.name}.tables', _tables(means))})"
            )
        else:
            drawn = np.concatenate([rows for _, rows in self._blocks(part.name, part.n)])
            small = drawn.astype(np.min_scalar_type(int(drawn.max())))
            rows = f"iter({self._source.array(f'{part.name}.counts', small)})"
        everyone = np.array_equal(drive.index, np.arange(population.n))
        self._each_step(part.population, count_name(drive), rows, part.name, None if everyone else drive.index)

    def _blocks(self, name: str, n: int) -> Iterator[tuple[int, np.ndarray]]:
        """Yield the first step and the rows, (time, neuron), of one stretch after the other."""
        many = max(1, _AT_ONCE // n)
        for first in range(0, self._inputs.n_steps, many):
            yield first, self._inputs.rows(name, first, min(first + many, self._inputs.n_steps))[:, 0]

    def _rates(self, name: str, n: int) -> Iterator[tuple[int, np.ndarray]]:
        """Yield the first step and the rates in hertz, (time, neuron), of one stretch after the other."""
        many = max(1, _AT_ONCE // n)
        for first in range(0, self._inputs.n_steps, many):
            last = min(first + many, self._inputs.n_steps)
            rates = self._inputs.rates(name, first, last)
            yield first, np.broadcast_to(rates, (last - first, 1, n))[:, 0]

    def _held(
        self, name: str, variable: str, starts: np.ndarray, rows: np.ndarray, key: str, neurons: np.ndarray | None
    ) -> None:
        source = self._source
        one = len(starts) == 1 and neurons is None
        if one and np.ndim(rows) == 2:
            value = literals.same(rows)
            written = source.array(f"{key}.{variable}", rows[0]) if value is None else literals.number(value)
            if value != 0:
                values = "{" + f"{literals.quoted(variable)}: {written}" + "}"
                source.add(f"groups[{literals.quoted(name)}].set_states({values}, units=False)")
            return
        given = ", ".join(source.array(f"{key}.{what}", value) for what, value in (("starts", starts), ("rows", rows)))
        self._each_step(name, variable, f"{source.helper('held')}({given})", key, neurons)

    def _noise(self, name: str, variable: str, kind: str, n: int, site: int) -> None:
        where = f", site={site}" if site else ""
        rows = f"{self._source.helper(kind)}({literals.quoted(name)}, {n}{where})"
        self._each_step(name, variable, rows, name, None)

    def _each_step(self, name: str, variable: str, rows: str, key: str, neurons: np.ndarray | None) -> None:
        source = self._source
        where = "groups" if name in self._program.populations else "synapses"
        arguments = [f"{where}[{literals.quoted(name)}]", literals.quoted(variable), rows]
        if neurons is not None:
            arguments.append(source.array(f"{key}.neurons", neurons))
        operation = literals.quoted(f"{name}.{variable}")
        source.call(f"operations[{operation}]", source.helper("each_step"), arguments, {})


def _held(blocks: Iterator[tuple[int, np.ndarray]]) -> tuple[np.ndarray, np.ndarray]:
    """Return the steps at which rows change, and the rows from there on: (change,) and (change, neuron or 1)."""
    starts, rows = [], []
    last: np.ndarray | None = None
    for first, block in blocks:
        before = np.concatenate([block[:1] if last is None else last[None], block[:-1]])
        changed = np.any(block != before, axis=1)
        changed[0] |= last is None
        starts.append(first + np.flatnonzero(changed))
        rows.append(block[changed])
        last = np.array(block[-1])
    found = np.concatenate(rows)
    if np.all(found == found[:, :1]):
        found = found[:, :1]
    return np.concatenate(starts), found


def _tables(means: np.ndarray) -> np.ndarray:
    """Return the Poisson distribution functions of some means, (mean, count), as far as they are below 1."""
    length = int(means.max() + 12.0 * np.sqrt(means.max())) + 40
    tables = np.ones((means.size, length))
    for row, mean in zip(tables, means, strict=True):
        if mean > 0:
            row[:] = pdtr(np.arange(length), mean)
    return tables
