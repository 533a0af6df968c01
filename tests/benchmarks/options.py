"""The options of a benchmark."""

from __future__ import annotations

import argparse


class _Help(argparse.ArgumentDefaultsHelpFormatter, argparse.RawDescriptionHelpFormatter):
    """The module's own words as they are, and of each option what it is without."""


def options_of(doc: str | None) -> argparse.ArgumentParser:
    """A parser that is described by a module's ``doc``."""
    return argparse.ArgumentParser(description=doc, formatter_class=_Help)
