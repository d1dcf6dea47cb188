"""Sweeps: many trainings with different settings, and the best of their models. Requires the extra `sweep`.

space      the ranges of settings, read from a TOML file
objective  the value of a trained translator, and the values at validations by which bad trials are pruned
folder     the folder of a sweep: description, trials, models
study      runs the trials with Optuna
"""

__all__ = []
