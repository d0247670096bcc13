"""Neurons that know sparse patterns by their dendritic segments, after Ahmad and Hawkins (2016)."""
