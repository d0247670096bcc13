"""A circuit as a script that needs only Brian2 and numpy."""

from neurosim.interop.brian2_script.script import STATEMENTS, export_brian2_script

__all__ = ["STATEMENTS", "export_brian2_script"]
