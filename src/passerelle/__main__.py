"""The command line as `python -m passerelle`."""

from passerelle.cli import main

__all__ = []

if __name__ == "__main__":
    main()
