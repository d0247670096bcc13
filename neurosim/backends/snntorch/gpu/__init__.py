"""Components of a circuit, and the way back through them, as kernels of Triton."""
