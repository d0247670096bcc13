from __future__ import annotations

import subprocess
import sys


def test_analysis_loads_no_simulator() -> None:
    code = (
        "import sys, neurosim.analysis; print([name for name in ('brian2', 'torch', 'numba') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
