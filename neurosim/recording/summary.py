"""A recording in a few lines of text."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from neurosim.recording.support import Support

if TYPE_CHECKING:
    from neurosim.recording.recording import Recording

_MOST_LINES = 20


def summary(recording: Recording) -> str:
    """Return one line for the run, one for each object and for each kind of table."""
    lines = [f"Recording({_headline(recording.metadata, recording.support)})"]
    for name in recording.objects[:_MOST_LINES]:
        parts = []
        if name in recording.spikes:
            trains = recording.spikes[name]
            rate = f" ({trains.mean_rate():.3g} Hz)" if trains.duration and trains.n else ""
            parts.append(f"{len(trains)} spikes of {trains.n} neurons{rate}")
        for variable, trace in list(recording.traces.get(name, {}).items())[:6]:
            sizes = " x ".join(f"{size} {dimension}" for dimension, size in trace.sizes.items())
            parts.append(f"{variable} [{trace.attrs['units']}] {sizes}")
        parts += ["..."] if len(recording.traces.get(name, {})) > 6 else []
        lines.append(f"  {name}: {'; '.join(parts)}")
    if len(recording.objects) > _MOST_LINES:
        lines.append(f"  ... and {len(recording.objects) - _MOST_LINES} more")
    for kind, tables in (("intervals", recording.intervals), ("events", recording.events)):
        if tables:
            lines.append(f"  {kind}: " + ", ".join(f"{name} ({len(tables[name])})" for name in tables))
    if recording._units is not None:
        lines.append(f"  units: {len(recording._units)} with {', '.join(recording._units.columns)}")
    return "\n".join(lines)


def _headline(metadata: Mapping[str, Any], support: Support | None) -> str:
    words = [str(metadata["backend"])] if "backend" in metadata else []
    if "duration" in metadata:
        words.append(f"{metadata['duration']:g} s from {metadata.get('start', 0.0):g} s")
    elif support is not None:
        stretches = f" in {len(support)} stretches" if len(support) != 1 else ""
        words.append(f"{support.observed.sum():g} s{stretches} from {support.start:g} s")
    if "dt" in metadata:
        words.append(f"dt {metadata['dt']:g} s")
    if "trials" in metadata:
        words.append(f"{metadata['trials']} trial" + ("s" if metadata["trials"] != 1 else ""))
    if "seed" in metadata:
        words.append(f"seed {metadata['seed']}")
    return ", ".join(words)
