"""The interface of the book *Deep Learning from Scratch*: its readers' scripts run on it.

`install()` makes it importable by the names that they use; `trainlab book SCRIPT` runs one.
"""

from trainlab.book.names import install

__all__ = ["install"]
