"""``python -m allomatch``: the command line, where its script is not on the path."""

from allomatch.cli import main

if __name__ == "__main__":
    main()
