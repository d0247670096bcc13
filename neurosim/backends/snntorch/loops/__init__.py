"""Components of a circuit, and the way back through them, as loops compiled for a CPU."""
