"""passerelle presets"""

__all__ = ["presets"]


def presets() -> None:
    """List the presets of train, and what each is for."""
    from passerelle.presets import DEFAULT_PRESET, PRESET_SUMMARIES, PRESETS

    names = {name: f"{name} (default)" if name == DEFAULT_PRESET else name for name in PRESETS}
    width = max(map(len, names.values()))
    for name, shown in names.items():
        print(f"{shown:{width}}  {PRESET_SUMMARIES[name]}")
