"""Who may do what on the admin port: tokens, their scopes, and how failed attempts are slowed.

Key types: ``Token`` is what is kept of a token, never the secret itself; ``TokenFile`` is the file in the data folder
that holds them; ``Asker`` is who asks, once known, with ``allows``; ``Slowing`` says how long a failure waits.

Invariants:

- A secret is shown once, when it is made. Kept is its SHA-256, which is enough: it has 256 bits of chance, so no list
  of likely ones can be tried against it (a slow hash is for what people choose).
- Whether a secret is right is told in a time that does not depend on where it differs.
- A token that has expired or was revoked lets nobody in, from the moment the file says so, whoever wrote it.
- Nothing here logs, and no ``repr`` holds a secret or its hash.
"""

from sidecar.access.askers import Asker
from sidecar.access.file import TOKENS_MAX, TokenFile, TokenFileError, TokensFull, TokensLocked
from sidecar.access.scopes import SCOPES, Scope, allows, scopes_from
from sidecar.access.slowing import Slowing
from sidecar.access.tokens import Token, new_secret, secret_hash

__all__ = [
    "SCOPES",
    "TOKENS_MAX",
    "Asker",
    "Scope",
    "Slowing",
    "Token",
    "TokenFile",
    "TokenFileError",
    "TokensFull",
    "TokensLocked",
    "allows",
    "new_secret",
    "scopes_from",
    "secret_hash",
]
