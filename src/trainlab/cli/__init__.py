"""The command line.

screen.py     what commands write, made safe for a terminal to show
typed.py      options in place of the arguments of Python that errors name
group.py      the program, its errors and exit codes, and what commands share
commands.py   the laboratory: checks, data, saved models, runs
running.py    experiments and the page of their results
reading.py    how a table is to be read
living.py     the page that trains
searching.py  from a table to a model
"""

# A command is there once its file is imported.
from trainlab.cli import commands as commands
from trainlab.cli import living as living
from trainlab.cli import searching as searching
from trainlab.cli.group import INTERRUPTED, main
from trainlab.cli.running import DEFAULT_OUT

__all__ = ["DEFAULT_OUT", "INTERRUPTED", "main"]
