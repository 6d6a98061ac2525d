"""The long tests: kills, faults, damaged files, bad inputs, threads, mutants of the source itself.

`python -m campaign --help`, or `make campaign`.  It is no part of the package and not run by CI.
"""
