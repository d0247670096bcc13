"""A recurrent memory that completes patterns, and goes on sounding what it recalled."""

from __future__ import annotations

from typing import Any

from neurosim.circuit import AllToAll, Circuit, NeuronModel, OneToOne, Signal
from neurosim.circuits.oscillatory_memory.protocol import PROTOCOLS, Presentations, drive
from neurosim.circuits.spinnaker import RECEPTOR, current_exponential
from neurosim.errors import CircuitError, nearest
from neurosim.models import pair_stdp
from neurosim.units import ms, mV, nA, nF

NAME = "oscillatory-memory"
#: What is fed with the lines that spike: 1 where a line spikes in a step, else 0.
PROGRAMME = "programme"


def build(
    *,
    n: int = 15,
    programme: Presentations | str | None = None,
    drive_per_cell: Any = 6 * nA,
    inhibition: Any = 1.5 * nA,
    a_plus: Any = 6 * nA,
    a_minus: Any = 3 * nA,
    w_max: Any = 12 * nA,
    tau_plus: Any = 3 * ms,
    tau_minus: Any = 2 * ms,
    v_rest: Any = -60 * mV,
    v_threshold: Any = -55 * mV,
    tau_m: Any = 3 * ms,
    c: Any = 0.27 * nF,
    tau_syn: Any = 0.3 * ms,
    tau_ref: Any = 1 * ms,
) -> Circuit:
    """Build the circuit.

    Parameters
    ----------
    n
        Number of cells, which is that of the bits of a pattern.
    programme
        What is presented in a run that is not told: patterns with their steps, or ``"two"``, ``"three"``,
        ``"overlapping"``, the experiments on fifteen cells. By default ``"two"`` for fifteen, else nothing.
    drive_per_cell
        Times the number of other cells: weight by which an input line fires its cell whatever the others do.
    inhibition
        Of every cell by every other.
    a_plus, a_minus, w_max, tau_plus, tau_minus
        Of the plastic synapses from every cell to every other; see
        :func:`neurosim.models.pair_stdp`. Amplitudes are absolute.
    v_rest, v_threshold, tau_m, c, tau_syn, tau_ref
        Of the cells; see :func:`~neurosim.circuits.spinnaker.current_exponential`.

    Returns
    -------
    Circuit
        Populations ``"input"`` and ``"cells"``; projections ``"drive"``, ``"recurrent"`` (plastic) and
        ``"inhibition"``; injection ``"programme"``.

    Raises
    ------
    CircuitError
        If there are fewer than two cells, or the programme does not fit.

    Notes
    -----
    A pattern is presented for 5 ms. All its cells fire together three times, and become linked. A fragment then fires
    the missing cells a step later, these fire the fragment, and the two go on in turn until another fragment comes.
    With amplitudes multiplied by w_max, which the software of the time did, nothing goes on.

    References
    ----------
    D. Casanueva-Morato et al., IJCNN (2022), arXiv:2205.04782.
    """
    if n < 2:
        raise CircuitError(f"{NAME}: n={n}: there must be two cells at least.")
    circuit = Circuit(NAME, dt=1 * ms)
    cell = current_exponential(
        v_rest=v_rest, v_threshold=v_threshold, tau_m=tau_m, c=c, tau_syn=tau_syn, tau_ref=tau_ref, name="pyramidal"
    )
    rule = pair_stdp(
        a_plus=a_plus, a_minus=a_minus, w_max=w_max, tau_plus=tau_plus, tau_minus=tau_minus, amplitude="absolute",
        transmit="after", post_first=True,
    )  # fmt: skip
    lines = circuit.population("input", n, NeuronModel("drive : 1", threshold="drive > 0.5", name="line"))
    cells = circuit.population("cells", n, cell)
    others = AllToAll(autapses=False)
    circuit.connect(lines, cells, OneToOne(), receptor=RECEPTOR, weight=drive_per_cell * (n - 1), name="drive")
    circuit.connect(
        cells, cells, others, synapse=rule, receptor=RECEPTOR, weight=0 * nA, post_delay=1 * ms, name="recurrent"
    )
    circuit.connect(cells, cells, others, receptor=RECEPTOR, weight=-inhibition, name="inhibition")
    circuit.inject(PROGRAMME, lines, "drive", _signal(programme, n))
    return circuit


def _signal(programme: Presentations | str | None, n: int) -> Signal | None:
    if programme is None:
        programme = "two" if n == 15 else ()
    if isinstance(programme, str):
        if programme not in PROTOCOLS:
            raise CircuitError(f"{NAME}: there is no experiment {programme!r}.{nearest(programme, PROTOCOLS)}")
        programme = PROTOCOLS[programme].presentations
    return Signal(drive(programme, n).astype(float), 1 * ms) if programme else None
