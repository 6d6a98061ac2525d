"""The benchmarks of trainlab: the same work done by trainlab, by other libraries and by hand.

`python -m benchmarks --help`, or `make bench`.  It is no part of the package.
"""
