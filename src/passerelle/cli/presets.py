"""passerelle presets"""

__all__ = ["presets"]


def presets() -> None:
    """List the presets of passerelle train, with the purpose and the training time of each."""
    from passerelle.settings import AUTO_PRESET, DEFAULT_PRESET, PRESETS

    summaries = {AUTO_PRESET: "one of the others, chosen from the pairs, with a token level"}
    summaries |= {name: preset.summary for name, preset in PRESETS.items()}
    names = {name: f"{name} (default)" if name == DEFAULT_PRESET else name for name in summaries}
    width = max(map(len, names.values()))
    for name, shown in names.items():
        print(f"{shown:{width}}  {summaries[name]}")
