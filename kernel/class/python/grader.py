"""Grades students one after the other, each in a process of its own that has nbgrader imported already.

Reads a line of JSON for each, {"args": [...], "log": FILE}, runs `nbgrader autograde ARGS`, and answers {"code": N}.
"""
import ctypes
import json
import os
import signal
import sys
import traceback

from nbgrader.apps.autogradeapp import AutogradeApp

import difflab_class  # noqa: F401  imported before the fork, as it takes its time


def end_with_parent():
    PR_SET_PDEATHSIG = 1
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def grade(args, log):
    """In the child. @returns the exit code"""
    end_with_parent()
    out = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
    os.dup2(out, 1)
    os.dup2(out, 2)
    try:
        AutogradeApp.launch_instance(args)
        return 0
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else int(end.code is not None)
    except BaseException:
        traceback.print_exc()
        return 1


end_with_parent()
for line in sys.stdin:
    job = json.loads(line)
    child = os.fork()
    if child == 0:
        code = 1
        try:
            code = grade(job["args"], job["log"])
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(code)
    _, status = os.waitpid(child, 0)
    print(json.dumps({"code": os.waitstatus_to_exitcode(status)}), flush=True)
