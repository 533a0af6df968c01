"""The one error of this package."""


class SummaryError(ValueError):
    """Parts that can't be merged, or bytes that are no summary this release can read."""
