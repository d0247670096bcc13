"""Layers of neurons with a delay for every synapse, learned or not (Hammouamri et al. 2024)."""
