"""The scripts of all sides: each is run by `neurosim.benchmarks.worker`, in a process of its own."""
