"""Workers: who trains the chunks of a population, in this process or elsewhere."""

from trainlab.workers.backends import BACKENDS, REMOTE

__all__ = ["BACKENDS", "REMOTE"]
