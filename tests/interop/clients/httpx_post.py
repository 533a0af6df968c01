"""Posts a file with httpx: ``python httpx_post.py URL CONTENT_TYPE FILE``; prints the answer as one JSON object.

The body is the bytes of the wire, in base64, before httpx would undo a Content-Encoding.
"""

import base64
import json
import sys
from pathlib import Path

import httpx

url, content_type, file = sys.argv[1:]
with httpx.stream("POST", url, content=Path(file).read_bytes(), headers={"content-type": content_type}) as response:
    body = b"".join(response.iter_raw())
answer = {"status": response.status_code, "headers": dict(response.headers), "body": base64.b64encode(body).decode()}
print(json.dumps(answer))
