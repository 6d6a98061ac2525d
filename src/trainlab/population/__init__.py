"""Populations: many networks that are described, trained and evaluated in one call."""

from trainlab.population.network import Network
from trainlab.population.population import Population
from trainlab.population.running import Running

__all__ = ["Network", "Population", "Running"]
