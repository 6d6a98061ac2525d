"""python -m trainlab."""

from trainlab.cli import main

if __name__ == "__main__":
    main()
