"""From arguments to an exit code: 0 for success, 1 where a check failed, 2 for wrong usage or input, 130 for Ctrl-C."""

from __future__ import annotations

import sys
import traceback
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

import tyro
from tyro.conf import FlagCreatePairsOff, OmitArgPrefixes, OmitSubcommandPrefixes, arg, subcommand

from neurosim.cli.analyse import AnalyseCommand
from neurosim.cli.bench import BenchCommand
from neurosim.cli.compare import CompareCommand
from neurosim.cli.doctor import DoctorCommand
from neurosim.cli.export import ExportCommand
from neurosim.cli.importing import ImportCommand
from neurosim.cli.listing import ListCommand
from neurosim.cli.reproduce import ReproduceCommand
from neurosim.cli.run import RunCommand
from neurosim.cli.show import ShowCommand
from neurosim.cli.train import TrainCommand
from neurosim.cli.verify import VerifyCommand
from neurosim.errors import NeurosimError
from neurosim.version import __version__

#: Every verb: the dataclass of its options, which runs it when called with the words of the command line.
Verb = (
    Annotated[RunCommand, subcommand("run")]
    | Annotated[VerifyCommand, subcommand("verify")]
    | Annotated[TrainCommand, subcommand("train")]
    | Annotated[ExportCommand, subcommand("export")]
    | Annotated[ImportCommand, subcommand("import")]
    | Annotated[AnalyseCommand, subcommand("analyse")]
    | Annotated[CompareCommand, subcommand("compare")]
    | Annotated[ReproduceCommand, subcommand("reproduce")]
    | Annotated[BenchCommand, subcommand("bench")]
    | Annotated[ListCommand, subcommand("list")]
    | Annotated[ShowCommand, subcommand("show")]
    | Annotated[DoctorCommand, subcommand("doctor")]
)
DESCRIPTION = (
    "Neural circuits written once, simulated by Brian2 and trained in torch, with the same spikes. "
    f"neurosim {__version__}."
)


@dataclass(frozen=True)
class CommandLine:
    """A whole command line.

    Given the verbs alone, tyro would look for their common help in its own source, which takes longer than all else.
    """

    verb: Annotated[Verb, arg(help="What to do.")]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line.

    Parameters
    ----------
    arguments
        What follows the name of the program; by default the arguments of this process.

    Returns
    -------
    int
        The exit code. Messages of errors are on stderr.
    """
    given = list(sys.argv[1:] if arguments is None else arguments)
    style = (FlagCreatePairsOff, OmitArgPrefixes, OmitSubcommandPrefixes)
    try:
        return tyro.cli(CommandLine, prog="neurosim", description=DESCRIPTION, args=given, config=style).verb(given)
    except SystemExit as stop:  # tyro has written its help, or what is wrong with the usage
        return int(stop.code or 0)
    except (NeurosimError, OSError) as error:
        print(f"neurosim: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("neurosim: interrupted", file=sys.stderr)
        return 130
    except Exception:
        # A fault of ours. Python would end with 1, which is to mean that a check failed.
        traceback.print_exc()
        return 2
