"""The two integrate-and-fire benchmarks of Brette et al. (2007): synapses as conductances and as currents."""
