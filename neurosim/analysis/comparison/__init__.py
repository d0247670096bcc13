"""A simulation beside a recording: statistics with intervals, between halves of the recording and surrogates of it."""

from neurosim.analysis.comparison.compare import NAMES, compare
from neurosim.analysis.comparison.overview import Fact, Overview, overview
from neurosim.analysis.comparison.plots import plot_comparison, plot_line
from neurosim.analysis.comparison.resampling import Estimate
from neurosim.analysis.comparison.result import Comparison, Line
from neurosim.analysis.comparison.statistics import STATISTICS, Settings, Statistic

__all__ = [
    "NAMES", "STATISTICS", "Comparison", "Estimate", "Fact", "Line", "Overview", "Settings", "Statistic",
    "compare", "overview", "plot_comparison", "plot_line",
]  # fmt: skip
