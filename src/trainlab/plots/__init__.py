"""Figures: the only room that imports matplotlib.

Every function draws on the axes it is given or returns a `Figure`; nothing here
touches pyplot, so figures need no screen and leave no state behind.

themes.py        paper, ink, empty figures
legends.py       titles of figures, legends of everything that is drawn
functions.py     tangents, arrows, paths over contours, small matrices
histograms.py    distributions, layer by layer
populations.py   curves with bands, runs and medians of each arm, training histories
panels.py        many small panels, the trials of a search
scales.py        logarithmic axes
searches.py      candidates of a search, predictions against truth
predictions.py   classes, calibration, residuals, what columns do
tex.py           equations as pictures
files.py         PNG and SVG
compact.py       SVG in few bytes
"""

from trainlab.lazy import exports

__getattr__, __dir__ = exports(__name__, __file__)
