"""Write docs/models.md from the docstrings of the library: `make docs`. The tests say when the page is out of date."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from neurosim import models
from neurosim.units import Hz, Mohm, ms, mV, nS, pA, pF

PAGE = Path(__file__).with_name("models.md")
#: What quantities are printed in, the first that fits.
UNITS = {
    "mV": mV, "ms": ms, "pF": pF, "nS": nS, "pA": pA, "Mohm": Mohm, "Hz": Hz, "nS/mV": nS / mV, "1/mV": 1 / mV,
}  # fmt: skip
KINDS = ("neuron", "synapse", "receptor")

HEAD = """\
# Models

This page is written by `make docs` from the docstrings of the code.

Ready-made equations in `ns.models`; a model of your own takes a few lines ([equations](equations.md)). Every neuron is
a `NeuronModel`, every synapse a `SynapseModel`, whose text can be printed; receptors are given to a neuron and decide
what a pulse does to it. Below, each has its equations, its parameters with their units, a value to check against, and
its source. All of them are held against Brian2 written by hand, at two time steps.

```python
import neurosim as ns
from neurosim.units import Mohm, ms, mV

print(
    ns.models.lif(
        tau_mem=20 * ms,
        r=100 * Mohm,
        v_leak=-60 * mV,
        v_threshold=-50 * mV,
        v_reset=-60 * mV,
        receptors={"ampa": ns.Exponential(5 * ms, reversal=0 * mV), "gaba": ns.Alpha(10 * ms, reversal=-80 * mV)},
    )
)
```

```text
dv/dt = (v_leak - v + r*(ampa*(reversal_ampa - v) + gaba*(reversal_gaba - v) + i_ext))/tau_mem : volt
i_ext : amp
dampa/dt = -ampa/tau_ampa : siemens
dgaba/dt = (e*gaba_rise - gaba)/tau_gaba : siemens
dgaba_rise/dt = -gaba_rise/tau_gaba : siemens
threshold: v > v_threshold
reset: v = v_reset
```
"""
FOOT = """\
## Gap junctions and small steps

Gap junctions whose sum is large make a neuron fast: summed as currents they ask for small steps. `graded` therefore
sums their conductances, as
[`circuits/celegans_connectome/circuit.py`](../circuits/celegans_connectome/circuit.py) does, and is stable at any step.
"""
LEAKY = {"tau_mem": 20 * ms, "v_leak": -60 * mV}
SPIKING = {**LEAKY, "v_threshold": -50 * mV, "v_reset": -60 * mV}
#: What is printed of a model that cannot be called without arguments.
EXAMPLES: dict[str, Any] = {
    "lif": models.lif(**SPIKING, receptors={"ampa": models.Exponential(5 * ms)}),
    "leaky_integrator": models.leaky_integrator(**LEAKY),
    "stochastic_lif": models.stochastic_lif(**SPIKING, softness=2 * mV),
    "izhikevich_type": models.izhikevich_type("FS"),
    "izhikevich_physical_type": models.izhikevich_physical_type("LTS"),
    "graded_synapse": models.graded_synapse(reversal=0 * mV),
    "pair_stdp": models.pair_stdp(a_plus=0.01, a_minus=0.012, w_max=1.0, amplitude="relative"),
    "triplet_stdp": models.triplet_stdp(w_max=1.0, amplitude="relative"),
    "three_factor": models.three_factor(w_max=1.0),
    "reward_stdp": models.reward_stdp(w_max=1.0),
    "Exponential": models.Exponential(5 * ms),
    "Alpha": models.Alpha(5 * ms, reversal=0 * mV),
    "DoubleExponential": models.DoubleExponential(2 * ms, 15 * ms),
    "NMDA": models.NMDA(2 * ms, 80 * ms, reversal=0 * mV),
    "Delta": models.Delta(),
}


def sections(docstring: str) -> dict[str, str]:
    """Return the parts of a docstring in NumPy's form by title; what stands before the first title is ``""``."""
    parts = re.split(r"^(\w[\w ]*)\n-{3,}\n", docstring, flags=re.MULTILINE)
    return {"": parts[0].strip(), **{title: text.strip() for title, text in zip(parts[1::2], parts[2::2], strict=True)}}


def markdown(text: str) -> str:
    """Return reStructuredText as Markdown: formulas, roles, literals."""
    text = re.sub(r"^\.\. math:: (.+?)(?=\n\n|\Z)", _formula, text, flags=re.MULTILINE | re.DOTALL)
    text = re.sub(r"^\.\. math::\n\n((?:[ ]{4}.*(?:\n|\Z)|\n(?=[ ]{4}))+)", _formula, text, flags=re.MULTILINE)
    text = re.sub(r":math:`([^`]+)`", r"$`\1`$", text)
    text = re.sub(r":(?:func|class|meth|mod):`~?(?:[\w.]*\.)?(\w+)`", r"`\1`", text)
    return re.sub(r"(?<!`)``(?!`)", "`", text)


def _formula(found: re.Match[str]) -> str:
    lines = [line.strip() for line in found[1].strip().splitlines()]
    return "```math\n" + "\n".join(lines) + "\n```" + found[0][len(found[0].rstrip()) :]


def summary(item: Callable[..., Any]) -> str:
    """Return the first sentence of a docstring, for the table."""
    first = sections(inspect.getdoc(item) or "")[""].split("\n\n")[0].replace("\n", " ")
    return _described(first).rstrip(".")


def _described(text: str) -> str:
    """Return a text that says what a function returns as one that says what the model is."""
    text = markdown(text.removeprefix("Return "))
    return text[0].upper() + text[1:]


def kind(item: Any) -> str:
    """Return ``"neuron"``, ``"synapse"`` or ``"receptor"``."""
    if inspect.isclass(item):
        return "receptor"
    return {"NeuronModel": "neuron", "SynapseModel": "synapse"}[item.__annotations__["return"]]


def parameter_table(item: Callable[..., Any], text: str) -> str:
    """Return the parameters of a docstring as a table, with their defaults."""
    defaults = {name: given.default for name, given in inspect.signature(item).parameters.items()}
    rows = ["| parameter | default | |", "|---|---|---|"]
    for names, told in re.findall(r"^(\S.*)\n((?:    .*\n?|\n(?=    ))+)", text, flags=re.MULTILINE):
        listed = names.split(" : ")[0].split(", ")
        values = [default_text(defaults[name]) if name in defaults else "" for name in listed]
        shown = ", ".join(values) if any(values) else ""
        described = " ".join(line.strip() for line in told.strip().splitlines())
        described = markdown(described).replace("|", "\\|")
        rows.append(f"| {', '.join(f'`{name}`' for name in listed)} | {shown} | {described} |")
    return "\n".join(rows)


def default_text(value: Any) -> str:
    """Return a default in a few letters.

    Quantities are told in units of our own choice: which one Brian2 prints depends on what of it is loaded.
    """
    if value is inspect.Parameter.empty:
        return "given"
    if isinstance(value, str):
        return f'"{value}"'
    if not hasattr(value, "dim"):
        return str(value)
    for name, unit in UNITS.items():
        if value.dim == unit.dim:
            return f"{float(value / unit):g} {name}"
    raise ValueError(f"no unit to print {value!r} in; add one to UNITS")


def written(name: str) -> str:
    """Return the equations of a model as the code writes them; of a receptor `x`, in a leaky neuron."""
    item = getattr(models, name)
    model = EXAMPLES[name] if name in EXAMPLES else item()
    if kind(item) == "receptor":
        resistance = {} if model.reversal is None else {"r": 100 * Mohm}
        model = models.leaky_integrator(**LEAKY, **resistance, receptors={"x": model})
    return str(model)


def entry(name: str) -> str:
    """Return the section of one model."""
    item = getattr(models, name)
    parts = sections(inspect.getdoc(item) or "")
    lines = [f"### `{name}`", _described(parts[""])]
    if "Parameters" in parts:
        lines.append(parameter_table(item, parts["Parameters"]))
    if "Returns" in parts:
        lines.append("**Gives** " + _joined(parts["Returns"].partition("\n")[2]))
    lines.append("**Check** " + markdown(parts["Notes"]))
    lines.append("**Source** " + _joined(parts["References"]))
    lines.append(f"```text\n{written(name)}\n```")
    return "\n\n".join(lines)


def _joined(text: str) -> str:
    return markdown("\n\n".join(" ".join(part.split()) for part in text.split("\n\n")))


def page() -> str:
    """Return the whole page."""
    names = {which: [name for name in models.__all__ if kind(getattr(models, name)) == which] for which in KINDS}
    for listed in names.values():
        listed.sort(key=str.lower)
    parts = [HEAD]
    for which, listed in names.items():
        rows = [f"| [`{name}`](#{name.lower()}) | {summary(getattr(models, name))} |" for name in listed]
        parts.append("\n".join([f"| {which} | |", "|---|---|", *rows]) + "\n")
    for which, listed in names.items():
        parts.append(f"## {which.capitalize()}s\n\n" + "\n\n".join(entry(name) for name in listed) + "\n")
    parts.append(FOOT)
    return "\n".join(parts)


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
