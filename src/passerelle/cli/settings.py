"""passerelle settings"""

__all__ = ["settings"]


def settings() -> None:
    """Print all settings as Markdown tables: names, values, defaults, flags and meanings."""
    from passerelle.settings.table import settings_table

    print(settings_table(), end="")
