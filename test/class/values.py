"""Checks kernel/class/hub/values.yaml against the schema of Zero to JupyterHub's chart, as `helm install` does.

    python test/class/values.py CHART     CHART: the folder jupyterhub/ of github.com/jupyterhub/zero-to-jupyterhub-k8s

Needs pyyaml and jsonschema, which JupyterLab brings along (.venv/bin/python). Helm puts a file of values upon the chart's own
before it checks them, and so does this. Prints what is wrong, or nothing; exits with 1 if something is.
"""
import sys
from pathlib import Path

import jsonschema
import yaml

OURS = Path(__file__).resolve().parents[2] / "kernel" / "class" / "hub" / "values.yaml"


def merged(defaults, values):
    if not isinstance(defaults, dict) or not isinstance(values, dict):
        return values
    return {**defaults, **{key: merged(defaults.get(key), value) for key, value in values.items()}}


chart = Path(sys.argv[1])
schema, defaults = [yaml.safe_load((chart / name).read_text()) for name in ["values.schema.yaml", "values.yaml"]]
validator = jsonschema.validators.validator_for(schema)(schema)
problems = list(validator.iter_errors(merged(defaults, yaml.safe_load(OURS.read_text()))))
for problem in problems:
    print(f"{'.'.join(map(str, problem.path)) or 'values'}: {problem.message[:300]}")
sys.exit(1 if problems else 0)
