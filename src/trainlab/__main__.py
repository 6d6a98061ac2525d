"""python -m trainlab, and the command trainlab."""

import sys


def main() -> None:
    """Runs the program; Ctrl-C while its modules are read is no traceback."""
    try:
        from trainlab.cli import main as program
    except KeyboardInterrupt:
        sys.stderr.write("Interrupted.\n")
        raise SystemExit(130) from None  # trainlab.cli.INTERRUPTED, which is not there yet
    program()


if __name__ == "__main__":
    main()
