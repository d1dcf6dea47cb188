"""Training on several processes.

share     the rows of each batch that one process computes
channel   messages between processes
group     the processes that train together
row_mesh  the devices of the processes, and programs that run on each of them with its rows
"""

__all__ = []
