"""The circuit: named populations, sources, projections and injections, with a time step and a seed. Data only."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np

from neurosim.circuit import realisation
from neurosim.circuit.checking import check_population, check_projection, check_sharing
from neurosim.circuit.connecting import (
    check_signal,
    check_synapse,
    checked_overrides,
    delay_value,
    dyadic_weight,
    injection_unit,
    marked,
    pulse_target,
    reads_weight,
    receptor_synapse,
    weight_unit,
)
from neurosim.circuit.connectivity import Connectivity
from neurosim.circuit.language import is_name
from neurosim.circuit.matrix import Matrix, edges_of_matrix, matrix_in
from neurosim.circuit.neuron_model import NeuronModel
from neurosim.circuit.parts import EdgeTable, Injection, Part, PoissonInput, Population, Projection, View
from neurosim.circuit.positions import checked_positions
from neurosim.circuit.signals import AnalogueSignal
from neurosim.circuit.sources import PoissonSource, SignalSource, Source, SpikeSource, checked_rate, checked_shape
from neurosim.circuit.synapse_model import SynapseModel
from neurosim.circuit.values import Trainable, Value, as_value, plain
from neurosim.errors import CircuitError, nearest
from neurosim.units import seconds


class Circuit:
    """A neural circuit, written once, that every backend runs.

    Parameters
    ----------
    name
        What it is called.
    dt
        Time step, a quantity.
    seed
        Fixes the structure: edges, weights, delays, parameters and initial values that are drawn.
    round_delays
        Accept given delays that are no multiple of `dt`, rounding them to the nearest step (and saying so).

    Notes
    -----
    Parts can be added, never changed; :meth:`replace` returns another circuit. Two circuits are equal if their parts,
    time step and seed are.
    """

    def __init__(self, name: str, *, dt: Any, seed: int = 0, round_delays: bool = False) -> None:
        given_name: Any = name
        if not isinstance(given_name, str) or not given_name:
            raise CircuitError(f"a circuit needs a name, got {name!r}.")
        if isinstance(seed, bool) or not hasattr(seed, "__index__") or not 0 <= int(seed) < 2**64:
            raise CircuitError(f"circuit {name!r}: seed must be a whole number from 0 to 2**64 - 1, got {seed!r}.")
        self.name = name
        self.dt = seconds(dt, f"circuit {name!r}: dt")
        self.seed = int(seed)
        self.round_delays = bool(round_delays)
        if self.dt <= 0:
            raise CircuitError(f"circuit {name!r}: dt must be positive, got {self.dt} s.")
        self._parts: dict[str, Part] = {}
        self._edges: dict[str, EdgeTable] = {}

    # -- parts ---------------------------------------------------------------------------------------------------

    @property
    def parts(self) -> Mapping[str, Part]:
        """Every part by name, in the order of adding."""
        return MappingProxyType(self._parts)

    @property
    def populations(self) -> dict[str, Population]:
        """Populations and sources by name."""
        return {name: part for name, part in self._parts.items() if isinstance(part, Population)}

    @property
    def projections(self) -> dict[str, Projection]:
        """Projections by name."""
        return {name: part for name, part in self._parts.items() if isinstance(part, Projection)}

    @property
    def injections(self) -> dict[str, Injection]:
        """Injections by name."""
        return {name: part for name, part in self._parts.items() if isinstance(part, Injection)}

    @property
    def poisson_inputs(self) -> dict[str, PoissonInput]:
        """Poisson inputs by name."""
        return {name: part for name, part in self._parts.items() if isinstance(part, PoissonInput)}

    def __getitem__(self, name: str) -> Part:
        if name not in self._parts:
            raise CircuitError(f"circuit {self.name!r} has no {name!r}.{nearest(name, self._parts)}")
        return self._parts[name]

    def __contains__(self, name: object) -> bool:
        return name in self._parts

    def _add(self, part: Part) -> None:
        if not is_name(part.name):
            raise CircuitError(
                f"{part.name!r} cannot be a name: letters, digits and single underscores, a letter first, no "
                "underscore at the end."
            )
        if part.name in self._parts:
            hint = "; give name= to tell them apart" if isinstance(part, (Projection, Injection, PoissonInput)) else ""
            raise CircuitError(f"circuit {self.name!r} already has {part.name!r}{hint}.")
        self._parts[part.name] = part

    def population(
        self,
        name: str,
        n: int | tuple[int, ...],
        model: NeuronModel,
        *,
        parameters: Mapping[str, Any] | None = None,
        initial: Mapping[str, Any] | None = None,
        labels: Any = None,
        positions: Any = None,
    ) -> Population:
        """Add `n` neurons of one model.

        Parameters
        ----------
        name
            Unique in the circuit.
        n
            Number of neurons, or a shape.
        model
            Their equations.
        parameters
            Values that override the model's: one for all, or an array, a distribution (one per neuron).
        initial
            Initial values that override the model's; text is an expression of the parameters.
        labels
            A name for every neuron, for selection (``worm["AVAL"]``).
        positions
            Where the neurons are, for :class:`Pairwise`: lengths or plain numbers, shape (neuron, 1 to 3).

        Raises
        ------
        CircuitError, UnitError
            If a name is taken or unknown, or a value has the wrong size or unit.
        """
        where = f"population {name!r}"
        if not isinstance(model, NeuronModel):
            raise CircuitError(f"{where}: the model must be a NeuronModel, got {type(model).__name__}.")
        shape = checked_shape(n, where)
        size = int(np.prod(shape))
        model_units = model.units
        units = {name: model_units[name] for name in model.names("parameter")}
        checked = checked_overrides(model.parameters, units, parameters, where)
        variables = model.names("differential") + model.names("parameter")
        initials: dict[str, Value | str] = {}
        for variable, value in (initial or {}).items():
            if variable not in variables:
                raise CircuitError(f"{where}: the model has no variable {variable!r}.{nearest(variable, variables)}")
            target = f"{where}: initial {variable!r}"
            if isinstance(value, str):
                initials[variable] = value
            else:
                default = model.initial.get(variable, 0.0)
                known = None if isinstance(default, str) else plain(default)
                initials[variable] = marked(as_value(value, model_units[variable], target), known, target)
        names = None if labels is None else tuple(str(label) for label in labels)
        if names is not None and (len(names) != size or len(set(names)) != size):
            raise CircuitError(f"{where}: labels must be {size} different names, got {len(set(names))}.")
        places = () if positions is None else checked_positions(positions, shape, where)
        part = Population(name, shape, model, checked, MappingProxyType(initials), names, *places)
        check_population(part, model)
        self._add(part)
        return part

    def source(self, name: str, source: Source, *, positions: Any = None) -> Population:
        """Add a population whose spikes or values are given at run time; `positions` as in :meth:`population`."""
        if not isinstance(source, (SpikeSource, PoissonSource, SignalSource)):
            raise CircuitError(
                f"source {name!r}: give a SpikeSource, PoissonSource or SignalSource, got {type(source).__name__}."
            )
        where = f"source {name!r}"
        shape = checked_shape(source.n, where)
        places = (None, "1") if positions is None else checked_positions(positions, shape, where)
        part = Population(name, shape, source, positions=places[0], position_unit=places[1])
        if isinstance(source, PoissonSource):
            realisation.check_size(source.rate, part.n, f"{where}: rate")
        self._add(part)
        return part

    def connect(
        self,
        pre: str | Population | View,
        post: str | Population | View,
        connectivity: Connectivity | Matrix,
        *,
        receptor: str | None = None,
        weight: Any = None,
        delay: Any = None,
        synapse: SynapseModel | None = None,
        parameters: Mapping[str, Any] | None = None,
        name: str | None = None,
        dyadic: bool = False,
    ) -> Projection:
        """Add edges from one population to another.

        Parameters
        ----------
        pre, post
            Names, populations or views.
        connectivity
            Which neuron connects to which: a rule, the edges, or a :class:`Matrix` of weights.
        receptor
            Variable, or receptor of a library model, that a pulse adds its weight to.
        weight
            Sets ``w``: one value, an array in edge order, a :class:`Matrix`, a distribution, or :class:`Trainable`.
        delay
            From spike to arrival; 0 by default. Drawn delays land on multiples of dt, given ones must be.
        synapse
            A :class:`SynapseModel` when adding a pulse is not enough.
        parameters
            Values that override the synapse model's.
        name
            ``pre_to_post`` by default.
        dyadic
            Round the weights to multiples of 2**-10 of the smallest power of two that none exceeds. Then sums of
            weights do not depend on the order of adding, on any device; :meth:`edges` shows what they became.

        Raises
        ------
        CircuitError, UnitError, UnsupportedError
            If anything does not fit, with what was expected and the nearest name.
        """
        pre_population, pre_indices = self._end(pre)
        post_population, post_indices = self._end(post)
        name = name or f"{pre_population.name}_to_{post_population.name}"
        where = f"projection {name!r}"
        counts = [
            part.n if chosen is None else len(chosen)
            for part, chosen in ((pre_population, pre_indices), (post_population, post_indices))
        ]
        rule, weight = edges_of_matrix(connectivity, weight, counts[0], counts[1], where)
        if (receptor is None) == (synapse is None):
            raise CircuitError(f"{where}: give either receptor= (what a pulse adds to) or synapse=.")
        if synapse is None:
            synapse = receptor_synapse(pre_population, post_population, receptor or "", where)
        if (matrix := matrix_in(weight, where)) is not None:
            matrix.check_shape(counts[0], counts[1], where)
            draft = Projection(
                name, pre_population.name, post_population.name, rule, synapse, 0.0, "1", 0.0, {}, pre_indices,
                post_indices,
            )  # fmt: skip
            entries = matrix.at(*realisation.realise_rule(self, draft))
            weight = weight.with_initial(entries) if isinstance(weight, Trainable) else entries
        unit = weight_unit(pre_population, post_population, synapse, weight)
        if weight is None:
            if reads_weight(synapse):
                raise CircuitError(f"{where}: give weight= (in {unit}).")
            weight = 1.0
        elif not reads_weight(synapse):
            raise CircuitError(f"{where}: weight= is given, but nothing in the synapse reads w.")
        checked = checked_overrides(synapse.parameters, synapse.variables, parameters, where)
        used = {**synapse.parameters, **checked}
        check_synapse(pre_population, post_population, synapse, unit, used, where)
        if synapse.graded and delay is not None:
            raise CircuitError(f"{where}: a graded synapse has no delay; it acts in the next step.")
        value = as_value(weight, unit, f"{where}: weight")
        projection = Projection(
            name, pre_population.name, post_population.name, rule, synapse,
            dyadic_weight(value, where) if dyadic else value, unit,
            delay_value(delay, where), checked, pre_indices, post_indices, dyadic,
        )  # fmt: skip
        if name in self._parts:
            self._add(projection)  # raises, with the hint
        check_projection(self, projection)
        self._add(projection)
        return projection

    def inject(
        self, name: str, target: str | Population | View, variable: str, signal: AnalogueSignal | None = None
    ) -> Injection:
        """Add an analogue input to a variable of some neurons.

        Parameters
        ----------
        name
            What ``inputs=`` calls it.
        target
            The population or a view of it.
        variable
            An input variable of its model (``"i_ext"``).
        signal
            What is injected when ``inputs=`` gives nothing; 0 by default.
        """
        population, indices = self._end(target)
        where = f"injection {name!r}"
        unit = injection_unit(population, variable, where)
        chosen = tuple(range(population.n)) if indices is None else indices
        if len(set(chosen)) != len(chosen):
            raise CircuitError(f"{where}: a neuron is selected twice.")
        check_signal(signal, unit, len(chosen), where)
        part = Injection(name, population.name, variable, chosen, unit, signal)
        self._add(part)
        return part

    def poisson(
        self,
        name: str,
        target: str | Population | View,
        *,
        receptor: str,
        rate: Any,
        weight: Any,
        count: int = 1,
    ) -> PoissonInput:
        """Add background input: `count` Poisson neurons for each target neuron, of its own.

        In every step each neuron receives a number of pulses, drawn from the Poisson distribution of mean
        ``count * rate * dt``, each of the same weight. They arrive in the order of the circuit, as spikes do.

        Parameters
        ----------
        name
            What ``inputs=`` calls it; there another rate may be given for a run.
        target
            The population or a view of it.
        receptor
            Variable, or receptor of a library model, that a pulse adds its weight to.
        rate
            Rate of one neuron: one value, one per target neuron, or a distribution.
        weight
            Of one pulse: one value, one per target neuron, a distribution, or :class:`Trainable`.
        count
            How many neurons drive each target.

        Raises
        ------
        CircuitError, UnitError
            If anything does not fit.
        """
        population, indices = self._end(target)
        where = f"poisson {name!r}"
        variable, unit = pulse_target(population, receptor, where)
        chosen = tuple(range(population.n)) if indices is None else indices
        if len(set(chosen)) != len(chosen):
            raise CircuitError(f"{where}: a neuron is selected twice.")
        if isinstance(count, bool) or not hasattr(count, "__index__") or int(count) < 1:
            raise CircuitError(f"{where}: count must be a positive integer, got {count!r}.")
        value = as_value(weight, unit, f"{where}: weight")
        part = PoissonInput(name, population.name, variable, chosen, int(count), checked_rate(rate, where), value, unit)
        realisation.check_size(part.rate, part.n, f"{where}: rate")
        realisation.check_size(part.weight, part.n, f"{where}: weight")
        check_sharing(part.weight, ("neuron", "all"), f"{where}: weight")
        self._add(part)
        return part

    def _end(self, end: str | Population | View) -> tuple[Population, tuple[int, ...] | None]:
        """Return a population and the neurons chosen of it, ``None`` for all."""
        name = end.population if isinstance(end, View) else end.name if isinstance(end, Population) else str(end)
        part = self._population(name)
        if isinstance(end, Population) and end is not part and end != part:
            raise CircuitError(f"circuit {self.name!r} has another population {name!r} than the one given.")
        if not isinstance(end, View):
            return part, None
        outside = [index for index in end.indices if not 0 <= index < part.n]
        if outside:
            raise CircuitError(f"the view of {name!r} names neuron {outside[0]}, but {name!r} has {part.n} neurons.")
        return part, None if end.indices == tuple(range(part.n)) else end.indices

    def _population(self, name: str) -> Population:
        part = self._parts.get(name)
        if not isinstance(part, Population):
            raise CircuitError(f"circuit {self.name!r} has no population {name!r}.{nearest(name, self.populations)}")
        return part

    def _projection(self, name: str) -> Projection:
        part = self._parts.get(name)
        if not isinstance(part, Projection):
            raise CircuitError(f"circuit {self.name!r} has no projection {name!r}.{nearest(name, self.projections)}")
        return part

    # -- realised ------------------------------------------------------------------------------------------------

    def edges(self, projection: str | Projection) -> EdgeTable:
        """Return a projection's edges as realised from the seed: ``(pre, post, weight, delay)``, SI, each (edge,)."""
        name = projection if isinstance(projection, str) else projection.name
        if name not in self._edges:
            self._edges[name] = realisation.realise_edges(self, self._projection(name))
        return self._edges[name]

    def edge_parameter(self, projection: str, name: str) -> float | np.ndarray:
        """Return a projection's parameter as realised: a float where all edges share it, else (edge,)."""
        return realisation.realise_edge_parameter(self, self._projection(projection), name)

    def parameter(self, population: str, name: str) -> float | np.ndarray:
        """Return a population's parameter as realised: a float where all neurons share it, else (neuron,)."""
        return realisation.realise_parameter(self, self._population(population), name)

    def rate(self, source: str) -> float | np.ndarray:
        """Return the rate of a Poisson source or input as realised, in hertz: one for all, or (neuron,)."""
        return realisation.realise_rate(self, source)

    def initial(self, population: str, variable: str) -> np.ndarray:
        """Return the initial values of a variable, SI, shape (neuron,)."""
        return realisation.realise_initial(self, self._population(population), variable)

    def trainables(self) -> dict[str, Trainable]:
        """Return everything marked trainable, by address (``"exc.tau_mem"``, ``"in_to_hidden.weight"``)."""
        return realisation.trainables(self)

    # -- as a value ----------------------------------------------------------------------------------------------

    def replace(self, values: Mapping[str, Any]) -> Circuit:
        """Return a circuit with some values replaced.

        Parameters
        ----------
        values
            By address: ``{"exc.tau_mem": 10 * ms, "exc_to_inh.weight": 3 * nS, "exc_to_inh.delay": 1 * ms}``.
            ``"dt"`` and ``"seed"`` address the circuit's own.

        Raises
        ------
        CircuitError
            If an address does not exist.
        """
        from neurosim.circuit.replacing import replace

        return replace(self, values)

    def digest(self) -> str:
        """Return a SHA-256 of everything that defines the circuit: rules and seed, and arrays where they were given."""
        from neurosim.circuit.files import digest

        return digest(self)

    def save(self, path: str | Path, *, overwrite: bool = False) -> Path:
        """Write ``path`` (JSON) and, where there are arrays, an ``.npz`` beside it."""
        from neurosim.circuit.files import save

        return save(self, Path(path), overwrite=overwrite)

    @staticmethod
    def load(path: str | Path) -> Circuit:
        """Read what :meth:`save` wrote.

        Raises
        ------
        FileFormatError
            If a file is truncated, edited, or of another format.
        """
        from neurosim.circuit.files import load

        return load(Path(path))

    def __deepcopy__(self, memo: dict[int, Any]) -> Circuit:
        copy = Circuit.__new__(Circuit)
        # Parts are frozen and realised edges are never written: only the books are new.
        copy.__dict__.update(self.__dict__, _parts=dict(self._parts), _edges=dict(self._edges))
        return copy

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Circuit) and (
            (self.name, self.dt, self.seed, self.round_delays, list(self._parts.items()))
            == (other.name, other.dt, other.seed, other.round_delays, list(other._parts.items()))
        )

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        populations = ", ".join(f"{name} ({part.n})" for name, part in self.populations.items())
        return f"<Circuit {self.name!r}, dt {self.dt:g} s, seed {self.seed}: {populations or 'empty'}>"

    def __str__(self) -> str:
        from neurosim.circuit.listing import listing

        return listing(self)
