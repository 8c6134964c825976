"""Figures from arrays: NumPy arrays and strings go in, matplotlib Figures come out. `save` and `to_bytes` write them.

All figures are read in the same way:

- A curve over several seeds is their median, in a band from their 10 % to their 90 % quantile
  (`statistics.quantile_band`). Up to FEW_SEEDS seeds also have a thin curve each.
- A curve of up to FEW_RECORDS records has a marker at each. A longer curve has a few markers, to distinguish it
  from other curves.
- A noisy curve of MANY_RECORDS records or more is drawn thin, with its moving average (`statistics.ema`) over it.
- A value that is not finite is a gap. A line under the title counts the seeds that stop early.
- Arms differ in colour, dashes and markers (`looks`). Where there are more arms than looks, each arm has a small panel.
  A figure holds up to MAX_ARMS arms; more raise a ValueError.

The axis label gives `unit` in brackets: "½ Σ d² per point" makes "loss (½ Σ d² per point)". With the unit "%", values are
fractions, and their axis shows percent.

Neither pyplot nor a graphical back end is imported. The import still takes 0.3 s.
"""

from bnlab.plots.arms import comparison_figure, finals_figure
from bnlab.plots.bands import FEW_RECORDS, FEW_SEEDS, MANY_RECORDS
from bnlab.plots.decay import decay_figure
from bnlab.plots.differences import difference_figure, differences_figure
from bnlab.plots.files import save, to_bytes
from bnlab.plots.heat import Field, difference_heat_figure, heat_figure
from bnlab.plots.looks import MAX_ARMS, MAX_TOGETHER
from bnlab.plots.responses import response_figure
from bnlab.plots.run import fit_figure, metric_figure

__all__ = [
    "FEW_RECORDS",
    "FEW_SEEDS",
    "MANY_RECORDS",
    "MAX_ARMS",
    "MAX_TOGETHER",
    "Field",
    "comparison_figure",
    "decay_figure",
    "difference_figure",
    "difference_heat_figure",
    "differences_figure",
    "finals_figure",
    "fit_figure",
    "heat_figure",
    "metric_figure",
    "response_figure",
    "save",
    "to_bytes",
]
