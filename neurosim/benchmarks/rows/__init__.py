"""The benchmarks that there are, each in a module that defines ``BENCHMARK``."""
