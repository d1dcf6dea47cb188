"""passerelle settings"""

__all__ = ["settings"]


def settings() -> None:
    """Print all settings as Markdown tables: names, allowed values, defaults, flags and descriptions."""
    from passerelle.settings.table import settings_table

    print(settings_table(), end="")
