"""passerelle download"""

import sys

__all__ = ["download"]

CORPORA = ("fra-eng",)


def download(corpus: str, /, *, out: str = ".") -> None:
    """Download a well-known file of pairs.

    Parameters
    ----------
    corpus
        Name of the file: fra-eng, English-French sentences of the Tatoeba project, from ManyThings.org.
    out
        Folder for the file.
    """
    from passerelle.data.download import download_fra_eng
    from passerelle.errors import SettingsError, did_you_mean

    if corpus not in CORPORA:
        raise SettingsError(f"unknown corpus {corpus!r}.{did_you_mean(corpus, CORPORA)}")
    print(download_fra_eng(out, progress=_show if sys.stderr.isatty() else None))


def _show(done: int, total: int | None) -> None:
    share = f"{done / total:.0%}" if total else f"{done / 2**20:.1f} MB"
    end = "\n" if done == total else ""
    print(f"\rdownloading fra-eng: {share}", end=end, file=sys.stderr, flush=True)
