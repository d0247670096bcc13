"""The content-addressable memory of Casanueva-Morato et al. (2024), after the region CA3 of the hippocampus."""
