"""What the sidecar's counters of what it left out mean, in words: one table of drops, one of bounds that were met.

Every sentence ends with what it costs, or with what can be done, so that whoever reads a count knows whether to act.
"""

from __future__ import annotations

_STORE = "the store did not take its image"
_RULE = "sample_"
"""Begins the stage of an image that a sampling rule wanted."""

DROPPED = {
    (
        "tap",
        "overflow",
    ): "the monitor was too far behind and a worker had no room left: requests were served and counted,"
    " their predictions are not recorded (limits.tap_bytes_max)",
    ("tap", "shadow_body"): "the monitor was behind, so answers of shadow versions came without their content: those"
    " pairs count as not readable",
    ("link", "poison"): "the monitor went down twice on these exchanges, so they were set aside",
    ("link", "malformed"): "the monitor sent something a worker could not read; the connection was made anew",
    ("link", "bad_frame"): "a worker sent something the monitor could not read; the connection was made anew",
    ("pipeline", "bad_frame"): "exchanges came over the link that could not be unpacked; a fault of the sidecar",
    ("store", "invalid"): "the store refused these predictions for what is in them; their requests are counted",
    ("trials", "invalid"): "the store refused sums of A/B tests or shadow tests; they are written again with the next",
    ("tally", "fault"): "exchanges that a test of versions could not count; a fault of the sidecar",
    ("tally", "store"): "exchanges that a test of versions could not count because the store could not be asked",
    ("settings", "refused"): "a worker could not apply new settings and goes on with the last good ones",
    ("image", "overflow"): "more images were wanted than wait in a worker (1,024, a quarter of limits.ring_bytes_max)",
    ("image", "assembly_full"): "images on their way from the workers took all of the 64 MiB there are for them",
    ("image", "out_of_order"): "parts of an image came in the wrong order",
    ("image", "worker_gone"): "a worker ended while it handed over an image",
    ("feedback", "room"): "old feedback made room for new: it was replaced, or its prediction is gone",
}
SAMPLES = {
    "evicted": "its image was wanted, but a worker had let go of it for newer ones: limits.ring_bytes_max is small",
    "aged": "its image was wanted too late: the worker keeps bodies for 5 s",
    "unknown": "its image was wanted of a worker that never had it",
    "worker_gone": "its image was wanted of a worker that has ended",
    "assembly_full": "images on their way from the workers took all of the 64 MiB there are for them",
    "out_of_order": "parts of its image came in the wrong order",
    "queue_full": "more images waited to be kept than the queue holds (256, or 64 MiB)",
    "rate": "more images were to be measured than are in a second",
    "near_duplicate": "an image much like it is kept already",
    "disk_budget": "images that stay take nearly all of retention.bytes_max",
    "disk_full": "the disk has no room for its image",
    "io": "its image could not be written",
    "no_image": "the request had no image that could be found in it",
    "format": "its image is of a format that is not kept",
    "too_large": "its image has more pixels or bytes than are looked at",
    "broken": "its image can't be decoded",
    "tensor": "the request had numbers instead of an image",
    "crashed": "its image took down the process that decodes images",
    "timeout": "its image took too long to decode",
    "internal": "a fault of the sidecar",
}
"""Why an image that a rule wanted was not kept. The request and its prediction are recorded all the same."""
LIMITS = {
    "connections_max": "clients that found all connections taken and were answered 503",
    "count_keys_max": "requests that were counted under the model 'other' because more models, versions and slices were"
    " asked for than a worker counts by name (4,096 at a time); clients may be making names up",
    "head_bytes_max": "heads over 32 KiB: 431 for a client's, 502 for a model server's",
    "head_fields_max": "heads of more than 100 fields: 431 for a client's, 502 for a model server's",
    "target_bytes_max": "requests with a path and query over 16 KiB: 414",
    "body_bytes_max": "request bodies over limits.body_bytes_max: 413",
    "chunk_extension_bytes_max": "bodies with more than 4 KiB of chunk extensions: 400, or the answer was cut",
    "trailer_bytes_max": "bodies with more than 16 KiB, or 100 fields, of trailers: 431, or the answer was cut",
    "interim_responses_max": "answers of a model server with too many interim ones before them: 502",
    "upstream_connections_max": "requests that waited for one of limits.upstream_connections_max connections",
    "upstream_pending_max": "requests that found limits.upstream_pending_max waiting already: 503",
    "upstream_pending_s": "requests that waited 5 s for a connection to the model server: 503",
    "upstream_addresses_max": "looks at a name of more than 16 addresses: those over it are not used",
    "upstream_log_lines_max": "looks at addresses of a model server that changed more often than the log tells (20"
    " lines a minute); what still holds then is told later",
    "upstream_surplus": "model servers that sent more than was asked for; the connection was closed",
    "connect_timeout_s": "model servers that could not be connected to within limits.connect_timeout_s: 504",
    "first_byte_timeout_s": "model servers that did not begin to answer within limits.first_byte_timeout_s: 504",
    "total_timeout_s": "exchanges over limits.total_timeout_s in all: 504, or cut off where the answer had begun",
    "body_bytes_per_s_min": "clients that sent their request's body too slowly: 408",
    "early_uploads_max": "requests that came slowly and were kept back until enough of them had come",
    "upload_held_bytes_max": "requests kept back, the slowest when the room was full: 408, or 503 if none was slow",
    "slow_uploads_max": "request bodies that came slowly and were refused to keep connections for others",
    "slow_readers_max": "clients that took their answers slowly, cut off to keep connections for others",
    "idle_timeout_s": "clients or model servers that fell silent in the middle for limits.idle_timeout_s",
    "tunnel_idle_s": "WebSocket connections that were closed after an hour without a byte",
    "head_timeout_s": "clients that did not send their whole head within 15 s",
    "tls_handshake_timeout_s": "clients that did not finish the handshake of TLS within 10 s",
    "keep_alive_s": "connections of clients that were closed after 75 s without a request",
    "request_incomplete": "clients that left before their request was whole",
    "drain_grace_s": "workers that had to end with requests under way",
    "status_fd": "times a worker could not tell the supervisor how it is",
    "capture_budget": "answers that found no room beside others under way: relayed, but not read",
    "tap_response_bytes_max": "answers over 32 MiB: relayed, but not read",
    "shadow_in_flight_max": "copies that were not made because 32 were under way",
    "shadow_bytes_max": "copies that were not made for want of memory",
    "shadow_body_gone": "copies that were not made because the body was gone",
    "shadow_timeout_s": "copies that were given up after 30 s",
    "shadow_fault": "copies that failed by a fault of the sidecar",
    "shadow_dropped_at_drain": "copies that were dropped when a worker ended",
    "feedback_bytes_max": "feedback over 64 KiB: 413",
    "feedback_buffer_bytes_max": "feedback that found no room in memory: 503",
    "feedback_addresses_max": "addresses that were forgotten for newer ones",
    "feedback_per_minute": "feedback over feedback.per_minute: 429",
    "feedback_timeout_s": "feedback that was not answered within 5 s: 503",
    "asks_max": "feedback that found 64 waiting: 503",
}
"""What meeting a bound of the proxy came to. Those that begin with ``shadow_`` are of copies and touch no client."""


def meaning_of_drop(stage: str, reason: str) -> str:
    """What was left out at ``stage`` for ``reason``; empty where nothing is known of it.

    >>> meaning_of_drop("sample_random_sample", "aged")
    'its image was wanted too late: the worker keeps bodies for 5 s'
    >>> meaning_of_drop("tap", "from the future")
    ''
    """
    if stage.startswith(_RULE):
        return _STORE if reason.startswith("store_") else SAMPLES.get(reason, "")
    return DROPPED.get((stage, reason), "")


def meaning_of_limit(limit: str) -> str:
    """What meeting ``limit`` came to; empty where nothing is known of it.

    >>> meaning_of_limit("shadow_connect_timeout_s")
    'of copies for shadow tests: model servers that could not be connected to within limits.connect_timeout_s: 504'
    """
    if limit in LIMITS:
        return LIMITS[limit]
    of_copies = LIMITS.get(limit.removeprefix("shadow_"), "")
    return f"of copies for shadow tests: {of_copies}" if of_copies else ""
