"""What a format may lack."""


class FormatMissing(Exception):
    """What the format takes is not installed; ``extra`` names the extra that has it."""

    def __init__(self, extra: str) -> None:
        needed = f"pip install 'inference-sidecar[{extra}]'"
        super().__init__(f"needs what is not installed beside the sidecar; there: {needed}")
        self.extra = extra
