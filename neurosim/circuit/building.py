"""The methods that add parts to a circuit: populations, sources, projections, inputs, and other circuits whole."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import numpy as np

from neurosim.circuit.checking import check_population, check_projection, check_sharing, kernel_shape
from neurosim.circuit.connecting import (
    check_signal,
    checked_overrides,
    delay_value,
    dyadic_weight,
    edge_initial,
    injection_unit,
    marked,
    pulse_target,
    reads_weight,
    receptor_synapse,
    weight_unit,
    with_receptor,
)
from neurosim.circuit.connectivity import Connectivity
from neurosim.circuit.convolution import kernel_value
from neurosim.circuit.including import Included, include
from neurosim.circuit.matrix import Matrix, edges_of_matrix, matrix_in
from neurosim.circuit.named_parts import NamedParts
from neurosim.circuit.neuron_model import NeuronModel
from neurosim.circuit.parts import Injection, PoissonInput, Population, Projection, View
from neurosim.circuit.positions import checked_positions
from neurosim.circuit.realisation import check_size, realise_rule
from neurosim.circuit.realised_edges import Ascending
from neurosim.circuit.signals import AnalogueSignal
from neurosim.circuit.sources import PoissonSource, SignalSource, Source, SpikeSource, checked_rate, checked_shape
from neurosim.circuit.synapse_checks import check_synapse
from neurosim.circuit.synapse_model import SynapseModel
from neurosim.circuit.values import Trainable, Value, as_value, plain
from neurosim.errors import CircuitError, nearest


class Building(NamedParts):
    """How parts are added to a :class:`Circuit`: each method checks a part, adds it and returns it."""

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
            check_size(source.rate, part.n, f"{where}: rate")
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
        initial: Mapping[str, Any] | None = None,
        post_delay: Any = None,
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
            Sets ``w``: one value, an array in edge order, a :class:`Matrix`, a distribution, or :class:`Trainable`. For
            a :class:`Convolution` the kernel.
        delay
            From spike to arrival; 0 by default. Drawn delays land on multiples of dt, given ones must be.
        synapse
            A :class:`SynapseModel` when adding a pulse is not enough. One that adds to ``receptor_post`` (every plastic
            synapse of the library) takes `receptor` as well.
        parameters, initial
            Values that override the synapse model's.
        post_delay
            From a postsynaptic spike to ``on_post``, as `delay` is for ``on_pre``; 0 by default.
        name
            ``pre_to_post`` by default; between included parts ``left_exc_to_right_exc``.
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
        name = name or f"{pre_population.name}_to_{post_population.name}".replace("/", "_")
        where = f"projection {name!r}"
        counts = [
            part.n if chosen is None else len(chosen)
            for part, chosen in ((pre_population, pre_indices), (post_population, post_indices))
        ]
        rule, weight = edges_of_matrix(connectivity, weight, counts[0], counts[1], where)
        if receptor is None and synapse is None:
            raise CircuitError(f"{where}: give either receptor= (what a pulse adds to) or synapse=.")
        if synapse is None:
            synapse = receptor_synapse(pre_population, post_population, receptor or "", where)
        else:
            synapse = with_receptor(synapse, post_population, receptor, where)
        draft = Projection(
            name, pre_population.name, post_population.name, rule, synapse, 0.0, "1", 0.0, {}, pre_indices, post_indices
        )
        kernel = kernel_shape(self, draft)
        if kernel is None and (matrix := matrix_in(weight, where)) is not None:
            matrix.check_shape(counts[0], counts[1], where)
            rows, columns = realise_rule(self, draft)
            entries = matrix.at(rows.column() if isinstance(rows, Ascending) else rows, columns)
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
        if post_delay is not None and not synapse.on_post_statements:
            raise CircuitError(f"{where}: post_delay= is given, but the synapse has no on_post.")
        value = as_value(weight, unit, f"{where}: weight")
        if kernel is not None:
            value = kernel_value(value, kernel, f"{where}: weight")
        projection = Projection(
            name, pre_population.name, post_population.name, rule, synapse,
            dyadic_weight(value, where) if dyadic else value, unit,
            delay_value(delay, f"{where}: delay"), checked, pre_indices, post_indices, dyadic,
            delay_value(post_delay, f"{where}: post_delay"), edge_initial(synapse, initial, where),
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
        check_size(part.rate, part.n, f"{where}: rate")
        check_size(part.weight, part.n, f"{where}: weight")
        check_sharing(part.weight, ("neuron", "all"), f"{where}: weight")
        self._add(part)
        return part

    def include(self, name: str, other: NamedParts) -> Included:
        """Add all parts of another circuit, each under ``name/``.

        Its populations, sources, projections, injections and Poisson inputs become parts of this circuit, called
        ``"left/exc"``, ``"left/exc_to_inh"`` (and ``"left/inner/exc"`` where it includes a circuit itself), and are
        addressed so everywhere: ``connect``, ``inputs=``, ``record=``, ``replace``, ``edges``. What is drawn follows
        the path in this circuit, and this circuit's seed: two circuits that are included alike differ in their edges
        and noise, and neither changes with what else is added. Names that tie trainable values stay within the
        included circuit.

        Parameters
        ----------
        name
            Of the place, unique in this circuit.
        other
            What is included, as it is now. Its own seed has no effect.

        Returns
        -------
        Included
            ``left["exc"]`` is the population ``"left/exc"``.

        Raises
        ------
        CircuitError
            If the time steps differ, the name is taken, or a part does not fit; then nothing is added.

        Examples
        --------
        >>> import neurosim as ns
        >>> from neurosim.units import ms
        >>> column = ns.Circuit("column", dt=1 * ms)
        >>> exc = column.population("exc", 3, ns.models.izhikevich())
        >>> area = ns.Circuit("area", dt=1 * ms)
        >>> left, right = area.include("left", column), area.include("right", column)
        >>> area.connect(left["exc"], right["exc"], ns.OneToOne(), receptor="v", weight=5.0).name
        'left_exc_to_right_exc'
        """
        return include(self, name, other)
