"""The command line: `neurosim run`, `verify`, `export`, `list`, `show`, `doctor`. A verb is one module here."""

from neurosim.cli.application import main

__all__ = ["main"]
