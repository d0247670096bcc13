"""Layers of spiking neurons with a choice of what mixes neighbouring pixels, and which frequencies that leaves."""
