"""Synthetic pairs: pairs of which a trained model wrote one side.

writer            the model or the ensemble that writes this side, and its files
block_translation translates many texts in blocks, within a time limit
mixture           pairs with references and synthetic pairs
distillation      sequence-level distillation: translations of sources by teachers
back_translation  sources for target texts, by a reverse model
"""

__all__ = []
