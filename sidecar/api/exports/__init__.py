"""Predictions and detections as files: one module for each format, and the tables that all of them write.

Key types: ``Wanted`` is what a file has, column by column; a ``Writer`` makes the bytes of a file of pages of rows, as
they come. Pure: no disk, no network, no clock. A writer's methods may take their time: they are called in a thread.
"""

from sidecar.api.exports.formats import FORMATS, Format, FormatMissing, Name, Writer
from sidecar.api.exports.tables import Column, Wanted

__all__ = ["FORMATS", "Column", "Format", "FormatMissing", "Name", "Wanted", "Writer"]
