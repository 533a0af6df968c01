"""The table of routes."""

import subprocess
import sys

import pytest

from sidecar.dialects.routes import NAMES, ROUTES, routes_for


def test_each_path_is_in_the_table_once():
    """A path has one dialect, and it is a known one."""
    paths = [(method, route.path) for route in ROUTES for method in route.methods]
    assert len(paths) == len(set(paths))
    assert {route.dialect for route in ROUTES} <= set(NAMES)


def test_a_model_is_set_only_where_the_path_names_none():
    """The model of a path wins over a configured one."""
    chosen = {route.path: route.model for route in routes_for("auto", model="yolo")}
    assert chosen["/predict"] == "yolo"
    assert chosen["/v2/models/{model}/infer"] == ""


def test_an_unknown_dialect_is_refused():
    """The error names the field and the choices."""
    with pytest.raises(ValueError, match=r"dialect: 'yolo' is none of auto"):
        routes_for("yolo")


def test_the_routes_do_not_load_numpy():
    """The supervisor reads the routes; arrays and JSON parsers are the monitor's."""
    code = "import sys, sidecar.dialects.routes, sidecar.dialects.terms as t; t.DialectSettings()"
    code += "; assert not {'numpy', 'orjson', 'PIL'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True, timeout=30)
