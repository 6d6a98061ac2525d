"""Statistics on arrays: what a population of runs shows, and what it does not.

From the simplest to the hardest: smoothing and the band over seeds (bands), the
interval of a median and the interval for one more run (intervals), the replication
of a published number (replication), and arms compared seed by seed (comparisons), on
resampling (bootstrap) and a test with Holm's correction (ranks).

A value that is not finite is a run that diverged: it is never averaged.
"""

from trainlab.lazy import exports

__getattr__, __dir__ = exports(__name__, __file__)
