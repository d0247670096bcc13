"""Circuits in the forms of other software."""

from neurosim.interop.brian2_script import export_brian2_script

__all__ = ["export_brian2_script"]
