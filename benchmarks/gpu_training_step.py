"""One training step on an NVIDIA GPU, against snnTorch there and ourselves on a CPU.

The same as `neurosim bench gpu-training-step`, with its options.

    python benchmarks/gpu_training_step.py
    python benchmarks/gpu_training_step.py --quick
"""

import sys

from neurosim.cli import main

if __name__ == "__main__":
    sys.exit(main(["bench", "gpu-training-step", *sys.argv[1:]]))
