"""Training on several processes and devices.

share     the rows of each batch that one process computes
channel   messages between processes
group     the processes that train together
row_mesh  the devices among which the rows of batches are divided, and programs on them
"""

__all__ = []
