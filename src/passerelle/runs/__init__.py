"""The folder of a run: what is written during training, so that nothing is lost and a run can be resumed.

checkpoint_file        one training state as a file with a checksum
checkpoints            when checkpoints are written, which are kept, and which is restored
data_source            where the pairs of a translator's run can be read again
windows_source         the same for the windows of a forecaster's run
description            `run.json`: command, settings, data and fingerprints
folder                 the folder, its files and its lock
logs                   the losses and samples of each epoch as files
tensorboard            the same as TensorBoard's logs
recording              start or resume a run in its folder
translator_recording   the run of a translator, with its pairs
forecaster_recording   the run of a forecaster, with its windows
"""

__all__ = []
