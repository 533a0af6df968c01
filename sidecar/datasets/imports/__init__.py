"""Labels read back from what other tools wrote: one file a format, and the table of them."""

from sidecar.datasets.imports.result import FAULTS_MAX, Fault, Imported
from sidecar.datasets.imports.table import DOCUMENT_BYTES_MAX, READERS, read_labels

__all__ = ["DOCUMENT_BYTES_MAX", "FAULTS_MAX", "READERS", "Fault", "Imported", "read_labels"]
