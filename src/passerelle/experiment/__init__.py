"""Train translators from pairs: every stage from the pairs to a trained translator, in order.

building           an untrained translator: network, initial weights, pretrained vectors
candidates         prepare pairs; with the preset `auto`, for several candidates, which are compared
clock              how much of the time limit is left for each part of the work
prepared_training  train a translator on prepared pairs
forgetting         with fine-tuning, the scores before and after on old and new validation pairs
record             what a model file says about its training
rate_sweep         a learning rate sweep
validation_sample  translations of validation sources after each epoch
train              the public functions `train` and `resume`
fine_tune          the public function `fine_tune`
"""

__all__ = []
