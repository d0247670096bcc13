"""Write docs/benchmarks.md from docs/benchmarks.json, which `neurosim bench NAME --json docs/benchmarks.json` fills."""

from __future__ import annotations

import json
from pathlib import Path

from neurosim.benchmarks.tables import markdown

PAGE = Path(__file__).with_name("benchmarks.md")
MEASURED = Path(__file__).with_name("benchmarks.json")
HEAD = """\
# Benchmarks

This page is written by `make docs` from `docs/benchmarks.json`; every figure on it is from a run of the command beside
it. `neurosim bench` lists what there is, `neurosim bench NAME` measures it on your machine, `--quick` in seconds.

```bash
neurosim bench                                        # what there is
neurosim bench balanced-network                       # a table
neurosim bench all --json results.json                # all of it, kept
neurosim bench balanced-network --nest-python PYTHON  # NEST in an environment of its own; so with --sparxml-python
```

Each side does the same work in a process of its own, written as a user of that library would write it; the sides take
turns, one run each, and every other round goes backwards. A row says how many times as long as neurosim a side takes
(the ratio of the medians), what is asked of that ratio, the side's median, its fastest and slowest run, the time from
the start of the process to the first result, and the most memory that the process held. *Cold* has nothing compiled
before, *warm* all of it; *preparation* is what precedes the first run there, imports aside. What a side computed is
held against ours in the last column. Peers that are not installed are named and left out.
"""


def page() -> str:
    """Return the page."""
    content = json.loads(MEASURED.read_text(encoding="utf-8"))
    return f"{HEAD}\n{markdown(content['benchmarks'])}"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
