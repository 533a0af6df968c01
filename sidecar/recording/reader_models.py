"""Which models ``Reader`` knows of: those there are predictions or summaries of."""

from __future__ import annotations

from sidecar.recording.reader_summaries import Fetch


async def all_of(fetch: Fetch) -> list[tuple[str, str]]:
    """All (model, version), sorted."""
    rows = await fetch(
        f"WITH RECURSIVE {_distinct_models('recorded', 'predictions INDEXED BY predictions_model', '1 = 1')},"
        f" {_distinct_models('summarized', 'summaries INDEXED BY summaries_hours', 'width_s = 3600')}"
        " SELECT * FROM recorded UNION SELECT * FROM summarized ORDER BY 1, 2",
        [],
    )
    return [(model, version) for model, version in rows]


def _distinct_models(name: str, table: str, condition: str) -> str:
    """A recursive table ``name`` of the (model, version) in an index that begins with them.

    Each step is one or two looks into the index, so the cost grows with models and not with what they did. The next
    version and the next model are looked for apart: a comparison of both at once enters the index by the model alone.
    """
    found = f"FROM {table} WHERE {condition}"
    return (
        f"{name} (model, version) AS ("
        f"SELECT * FROM (SELECT model, version {found} ORDER BY model, version LIMIT 1)"
        f" UNION ALL SELECT t.model, t.version FROM {name} f, {table.split()[0]} t WHERE t.rowid = COALESCE("
        f"(SELECT rowid {found} AND model = f.model AND version > f.version ORDER BY version LIMIT 1),"
        f" (SELECT rowid {found} AND model > f.model ORDER BY model, version LIMIT 1)))"
    )
