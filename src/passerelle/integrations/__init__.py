"""Functions for other libraries, which are extras and not installed with the package.

ray     translation of datasets of Ray Data, on one machine or a cluster
"""

__all__ = []
