"""What was here is in `trainlab.tables.problem`."""

from trainlab.deprecated import moved

__getattr__ = moved(
    __name__, dict.fromkeys(("problem", "split", "TableProblem"), "trainlab.tables.problem")
)
