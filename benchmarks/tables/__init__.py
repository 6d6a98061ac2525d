"""Models of tables with their defaults, side by side: `python -m benchmarks.tables --help`.

data.py       tables, and the rows that are held out
lineup.py     who takes part; contestants.py says how each is given a table
worker.py     one fit in a process of its own; runner.py has all of them done
measures.py   the errors of predictions; summary.py ranks, ratios, wins, seconds
page.py       docs/tables-measured.md, with figure.py
"""
