"""The folder of a run: what is written during training, so that nothing is lost and a run can be resumed.

checkpoint_file  one training state as a file with a checksum
checkpoints      when checkpoints are written, which are kept, and which is restored
data_source      where the pairs of a run can be read again
description      `run.json`: command, settings, data and fingerprints
folder           the folder, its files and its lock
logs             the losses and samples of each epoch as files
recording        start or resume a run in its folder
"""

__all__ = []
