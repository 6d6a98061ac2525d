"""The main module of a process that a script starts: it runs the script again.

With the start methods "spawn" and "forkserver" a child imports the main module of its parent
by the name in `__main__.__spec__`, which for a reader's script is the name of this file.
"""

import os

from trainlab.book.script import ENVIRONMENT, run_in_child

if ENVIRONMENT in os.environ:  # not where a tool imports all files of a package
    globals().update(run_in_child(__name__))
