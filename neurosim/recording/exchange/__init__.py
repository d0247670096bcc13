"""Recordings in the forms of other projects: Neo, pynapple, and files of Neurodata Without Borders (NWB)."""
