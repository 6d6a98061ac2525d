"""The interface of the book *Deep Learning from Scratch*: its readers' scripts run on it.

`install()` makes it importable by the names that they use, `whose()` says which of those modules
are the reader's and which ours; `trainlab book SCRIPT` runs a script.
"""

from trainlab.book.names import install, whose

__all__ = ["install", "whose"]
