"""Statistics on arrays: what a population of runs shows, and what it does not.

From the simplest to the hardest: smoothing and the band over seeds (bands), the
interval of a median and the interval for one more run (intervals), the replication
of a published number (replication), and arms compared seed by seed (comparisons), on
resampling (bootstrap) and a test with Holm's correction (ranks).

A value that is not finite is a run that diverged: it is never averaged.
"""

from trainlab.evidence.bands import Band, band, smooth
from trainlab.evidence.bootstrap import RESAMPLES, median_bounds, statistic_bounds
from trainlab.evidence.comparisons import MIN_PAIRS, Comparison, Direction, compare, compare_all
from trainlab.evidence.intervals import Interval, median_interval, run_interval
from trainlab.evidence.ranks import fewest_pairs, holm, signed_rank
from trainlab.evidence.replication import Replication, replicate, reproduce

__all__ = [
    "MIN_PAIRS",
    "RESAMPLES",
    "Band",
    "Comparison",
    "Direction",
    "Interval",
    "Replication",
    "band",
    "compare",
    "compare_all",
    "fewest_pairs",
    "holm",
    "median_bounds",
    "median_interval",
    "replicate",
    "reproduce",
    "run_interval",
    "signed_rank",
    "smooth",
    "statistic_bounds",
]
