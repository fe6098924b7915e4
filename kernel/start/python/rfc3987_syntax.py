"""Stands before the package of this name, and loads it only where it is asked for something.

jsonschema imports it, and with jsonschema all of Jupyter's programs: for the formats "iri" and "iri-reference", which nobody there uses.
As it is imported it makes a parser, which takes longer than all else that JupyterLab loads.
"""
import importlib.util
import os
import sys
from importlib.machinery import PathFinder

_HERE = os.path.dirname(os.path.abspath(__file__))
_spec = PathFinder.find_spec(__name__, [path for path in sys.path if os.path.abspath(path or ".") != _HERE])
if _spec is None:
    raise ImportError(f"No module named {__name__!r}", name=__name__)


def is_valid_syntax(term, value):
    """Whether a text is what the RFC calls by this name."""
    return _package().is_valid_syntax(term, value)


def __getattr__(name):
    if name.startswith("__"):
        raise AttributeError(name)
    return getattr(_package(), name)


def _package():
    if sys.modules[__name__].__spec__ is not _spec:
        package = importlib.util.module_from_spec(_spec)
        sys.modules[__name__] = package
        _spec.loader.exec_module(package)
    return sys.modules[__name__]
