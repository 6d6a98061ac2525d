"""Runs that outlive the process: one SQLite file for each output folder.

A store knows nothing of training.  It keeps runs (a key and the settings that it began
with) and their parts: bytes with a kind and a place, written some at a time in one
transaction, and read back only where their checksum is right.
"""

from trainlab.store.coding import decode, encode
from trainlab.store.database import FILE, About, Run, Store, listed

__all__ = ["FILE", "About", "Run", "Store", "decode", "encode", "listed"]
