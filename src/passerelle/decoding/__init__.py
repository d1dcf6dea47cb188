"""Search strategies: the loops of decoder steps, compiled with the network."""

# Before a module of this package imports Keras: report in one line if it cannot be imported.
import passerelle.backend  # noqa: F401

__all__ = []
