"""A class on one server: each student logs in and has JupyterLab with our kernel, at once and with limits.

    pip install -r kernel/class/hub/requirements.txt     in the environment that has JupyterLab and nbgrader
    npm install -g configurable-http-proxy
    npm run kernel:install -- --prefix /opt/jupyter      that environment
    jupyterhub -f kernel/class/hub/jupyterhub_config.py

What is the server's own stands in variables, so that this file needs no change; everything else is JupyterHub's, see
https://jupyterhub.readthedocs.io and, for the spawner, https://github.com/jupyterhub/systemdspawner.
"""
import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]

# Models are downloaded once, by the teacher, and read by all: HF_HOME=/srv/difflab/models npm run ... as the teacher.
MODELS = os.environ.get("DIFFLAB_MODELS", "/srv/difflab/models")
# Where nbgrader hands assignments out and takes them in; all students may write here (nbgrader wants mode 777).
EXCHANGE = os.environ.get("DIFFLAB_EXCHANGE", "/srv/nbgrader/exchange")
# For each student: a notebook of the lesson takes up to 1 GB, and JupyterLab 150 MB.
MEMORY = os.environ.get("DIFFLAB_MEMORY", "2G")
CORES = float(os.environ.get("DIFFLAB_CORES", "2"))
TEACHERS = set(os.environ.get("DIFFLAB_TEACHERS", "").split(","))

c = get_config()  # noqa: F821
c.JupyterHub.bind_url = os.environ.get("DIFFLAB_HUB", "http://127.0.0.1:8000")
c.Spawner.cmd = [str(Path(sys.executable).parent / "jupyterhub-singleuser")]
c.Spawner.default_url = "/lab"
c.Spawner.http_timeout = c.Spawner.start_timeout = 300
c.Spawner.environment = {
    "ORT_DISABLE_TELEMETRY": "1",
    "HF_HOME": MODELS,
    # A student's computing does not take the cores of all others.
    "OMP_NUM_THREADS": str(max(1, int(CORES))),
}
c.Spawner.mem_limit = MEMORY
c.Spawner.cpu_limit = CORES


def copy_lesson(spawner):
    """Before a student's server starts: their own copy of the lesson. What they have changed stays."""
    node = shutil.which("node") or "node"
    home = Path(os.path.expanduser(f"~{spawner.user.name}"))
    if isinstance(getattr(spawner, "home_dir", None), str):  # the trial's spawner has folders instead of users
        home = Path(spawner.home_dir.format(username=spawner.user.name))
        home.mkdir(parents=True, exist_ok=True)
    command = [node, str(ROOT / "dist/kernel/start/copy.js"), str(home / "lesson")]
    if os.getuid() == 0 and not os.environ.get("DIFFLAB_TRIAL"):
        command = ["runuser", "-u", spawner.user.name, "--", *command]
    subprocess.run(command, check=True, capture_output=True, cwd=ROOT)


c.Spawner.pre_spawn_hook = copy_lesson

if os.environ.get("DIFFLAB_TRIAL"):
    # To try it without root: any name with this password, folders in place of users, and no limits, which need systemd.
    c.JupyterHub.authenticator_class = "dummy"
    c.DummyAuthenticator.password = os.environ["DIFFLAB_TRIAL"]
    c.Authenticator.allow_all = True
    c.JupyterHub.spawner_class = "simple"
    c.SimpleLocalProcessSpawner.home_dir_template = str(Path(os.environ["DIFFLAB_HOMES"]) / "{username}")
    c.Spawner.mem_limit = c.Spawner.cpu_limit = None
    c.Spawner.environment = {**c.Spawner.environment, "JUPYTER_PATH": os.environ.get("JUPYTER_PATH", "")}
    # Who holds the password may start servers for others, as a script does that tries a whole class.
    c.JupyterHub.services = [{"name": "trial", "api_token": os.environ["DIFFLAB_TRIAL"]}]
    c.JupyterHub.load_roles = [
        {"name": "trial", "services": ["trial"], "scopes": ["admin:users", "admin:servers", "access:servers"]}
    ]
    if os.getuid() == 0:
        c.Spawner.args = ["--allow-root"]
else:
    # Users of the system (PAM), each server a unit of systemd, which holds it to its limits.
    c.Authenticator.allow_all = True
    c.Authenticator.admin_users = {name for name in TEACHERS if name}
    c.JupyterHub.spawner_class = "systemd"
    c.SystemdSpawner.isolate_tmp = True
    c.SystemdSpawner.isolate_devices = True
    c.SystemdSpawner.disable_user_sudo = True
    c.SystemdSpawner.readonly_paths = [str(ROOT), MODELS]
    c.SystemdSpawner.readwrite_paths = [EXCHANGE]

# Servers that nobody uses end after an hour.
c.Spawner.args = [*c.Spawner.args, "--MappingKernelManager.cull_idle_timeout=3600"] if c.Spawner.args else [
    "--MappingKernelManager.cull_idle_timeout=3600"
]
