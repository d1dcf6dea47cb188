"""The run of a translator: its pairs are read again, and what cannot be read again is copied."""

import hashlib
import json

from passerelle.data.pairs import Pairs
from passerelle.data.storage import Report as StepReport
from passerelle.data.storage import Storage
from passerelle.errors import RunError
from passerelle.fine_tuning.origin import Origin
from passerelle.fine_tuning.plan import FineTuning
from passerelle.preparation import Prepared, prepare
from passerelle.runs.data_source import DataSource, PairSource, write_copy
from passerelle.runs.recording import Recording

__all__ = ["TranslatorRecording"]


class TranslatorRecording(Recording[Prepared]):
    """The run of a translator; see `Recording`.

    Its `originals` are all pairs, and the validation pairs if they were read by themselves; without any, the training
    pairs are copied.
    """

    source = DataSource

    @property
    def data(self) -> DataSource:
        """Source of the pairs."""
        return self.description.data  # pyright: ignore[reportReturnType]

    def prepare(self, progress: StepReport = lambda step, done, total: None) -> Prepared:
        """Read and prepare the data of a run that goes on.

        Args:
            progress: receives the progress of reading and preparing large pairs; see `data.storage.Storage`.

        Raises:
            DataError: if the data cannot be read.
            RunError: if it changed.
        """
        storage = Storage(self.folder.data, kept=True, report=progress)
        pairs, validation = self.read(storage)
        vectors = self.data.vectors
        prepared = prepare(
            pairs,
            self.description.settings,
            validation=validation,
            source_vectors=vectors.get("source"),
            target_vectors=vectors.get("target"),
            fine_tuning=self.read_fine_tuning(storage),
        )
        resolved = self.description.resolved
        if resolved is not None and resolved.training.seed != prepared.settings.training.seed:
            prepared = prepared.with_seed(resolved.training.seed)
        return prepared

    def read(self, storage: Storage | None = None) -> tuple[Pairs, Pairs | float | None]:
        """Read the pairs, and the validation pairs if they are not held out of the pairs.

        Args:
            storage: place of the files for large pairs.

        Raises:
            DataError: if they cannot be read.
        """
        data = self.data
        validation = data.validation
        if isinstance(validation, PairSource):
            validation = validation.read(self.folder.validation, storage and storage.part("validation"))
        return data.pairs.read(self.folder.pairs, storage), validation

    def read_fine_tuning(self, storage: Storage | None = None) -> FineTuning | None:
        """Load the model from which the run starts, and read its corrections and old pairs; None if there is none.

        Args:
            storage: place of the files for large pairs.

        Raises:
            DataError: if pairs cannot be read.
            ModelFileError: if the model cannot be loaded.
            RunError: if the model changed.
        """
        source = self.data.fine_tuning
        if source is None:
            return None
        origin = Origin.load(source.model)
        if origin.sha256 != source.sha256:
            raise RunError(
                f"{source.model} is not the model from which the run began: the file changed. Restore it, or start "
                f"another run."
            )
        folder = self.folder
        copies = {"corrections": folder.corrections, "old": folder.old, "old_validation": folder.old_validation}
        pairs = {name: (getattr(source, name), path) for name, path in copies.items()}
        return FineTuning(
            origin,
            source.settings,
            old_share=source.old_share,
            **{
                name: None if own is None else own.read(path, storage and storage.part(name))
                for name, (own, path) in pairs.items()
            },
        )

    def fingerprints(self, prepared: Prepared) -> dict[str, str]:
        signature = json.dumps(prepared.signature.to_json(), sort_keys=True)
        fingerprints = {
            "training pairs": prepared.training.fingerprint(),
            "validation pairs": prepared.validation.fingerprint(),
            "vocabularies": hashlib.sha256(signature.encode("utf-8", "surrogatepass")).hexdigest(),
        }
        if prepared.fine_tuning is not None:
            fingerprints["model"] = str(prepared.fine_tuning.origin.sha256)
            for name, pairs in (("old pairs", prepared.old), ("old validation pairs", prepared.old_validation)):
                if pairs:
                    fingerprints[name] = pairs.fingerprint()
        for side, vectors in prepared.vectors.items():
            words = "\n".join(vectors.words).encode("utf-8", "surrogatepass")
            fingerprints[f"{side} vectors"] = hashlib.sha256(words + vectors.values.tobytes()).hexdigest()
        return fingerprints

    def write_copies(self, prepared: Prepared) -> None:
        data, tuning, folder = self.data, prepared.fine_tuning, self.folder
        pairs, validation = self._originals or (prepared.training, None)
        copies = [(data.pairs, folder.pairs, pairs), (data.validation, folder.validation, validation)]
        if data.fine_tuning is not None and tuning is not None:
            for name in ("corrections", "old", "old_validation"):
                copies.append((getattr(data.fine_tuning, name), getattr(folder, name), getattr(tuning, name)))
        for source, path, own in copies:
            if own is not None and isinstance(source, PairSource) and not source.paths:
                write_copy(path, own)

    def keeps_stored_data(self, prepared: Prepared) -> bool:
        tuning = prepared.fine_tuning
        old = () if tuning is None else (tuning.old, tuning.old_validation)
        parts = (*(self._originals or [prepared.training]), *old)
        return any(part is not None and part.storage is not None for part in parts)
