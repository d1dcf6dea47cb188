"""passerelle presets"""

__all__ = ["presets"]


def presets() -> None:
    """List the presets of passerelle train, with the purpose and the training time of each."""
    from passerelle.settings import DEFAULT_PRESET, PRESETS

    names = {name: f"{name} (default)" if name == DEFAULT_PRESET else name for name in PRESETS}
    width = max(map(len, names.values()))
    for name, shown in names.items():
        print(f"{shown:{width}}  {PRESETS[name].summary}")
