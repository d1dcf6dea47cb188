"""Fine-tuning: training that starts from the weights of a trained model.

origin    the model from which training starts
biases    the first step of training new tokens
plan      everything about a fine-tuning: the model, corrections, old pairs, frozen parts
"""

__all__ = []
