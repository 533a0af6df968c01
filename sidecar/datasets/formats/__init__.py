"""The formats that a version is exported in: one file each, and the table of them."""

from sidecar.datasets.formats.label_studio import tasks_of
from sidecar.datasets.formats.table import FORMATS, Format, UnknownFormat, format_of

__all__ = ["FORMATS", "Format", "UnknownFormat", "format_of", "tasks_of"]
