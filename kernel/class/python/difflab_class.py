"""How nbgrader treats a course of notebooks in TypeScript. A course's nbgrader_config.py calls `configure`.

nbgrader otherwise works as usual, and notebooks in other languages are not affected. This file adds, at nbgrader's own extension
points: a stub in TypeScript, warnings that cost no points, a collector of returned files, and autograding of a notebook that is
assembled from the lesson's own cells and the student's answers and runs in a kernel isolated from the machine.
"""
import asyncio
import copy
import json
import os
import re
import shutil
import sys
import tempfile
import time
import unicodedata
from pathlib import Path

import nbformat
from jupyter_client.manager import AsyncKernelManager
from nbclient.exceptions import CellTimeoutError, DeadKernelError
from nbclient.util import run_sync
from nbformat.notebooknode import NotebookNode
from nbgrader.plugins import FileNameCollectorPlugin
from nbgrader.preprocessors import ClearSolutions, Execute, NbGraderPreprocessor
from traitlets import Bool, Dict, Integer, Unicode

from own_time import OwnTime

LANGUAGE = "typescript"
HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent.parent

# What is left in place of a solution type-checks as a statement and as a value: behind =>, in brackets, as an argument.
STUB = "// Your code here.\nTODO()"

# Under this key a graded notebook holds what the report tells of it.
NOTES = "difflab_class"


def configure(c):
    """Sets up nbgrader: call it from nbgrader_config.py as `configure(get_config())`."""
    Execute.preprocess = warnings_cost_nothing(PLAIN_EXECUTE)
    c.ClearSolutions.code_stub = {**ClearSolutions().code_stub, LANGUAGE: STUB}
    # For the button "Validate", which runs the whole notebook: training takes minutes, and nbgrader's own limit is 30 s.
    c.ExecutePreprocessor.timeout = 900
    c.ZipCollectApp.collector_plugin = Collector
    from nbgrader.converters import Autograde

    defaults = Autograde()
    c.Autograde.sanitize_preprocessors = [Reassemble, *defaults.sanitize_preprocessors]
    c.Autograde.autograde_preprocessors = [
        ExecuteIsolated if step is Execute else step for step in defaults.autograde_preprocessors
    ]


def is_ours(nb):
    return nb.metadata.get("kernelspec", {}).get("language") == LANGUAGE


PLAIN_EXECUTE = Execute.preprocess


def warnings_cost_nothing(execute):
    """nbgrader gives no point to a cell that prints on standard error. In TypeScript that is a warning; failures are errors."""

    def preprocess(self, nb, *args, **kwargs):
        nb, resources = execute(self, nb, *args, **kwargs)
        if is_ours(nb):
            for cell in nb.cells:
                for output in cell.get("outputs", []):
                    if output.output_type == "stream":
                        output.name = "stdout"
        return nb, resources

    return preprocess


def grading(cell):
    """nbgrader's metadata of a cell; empty where it has none, or where a student has broken it."""
    found = cell.get("metadata", {}).get("nbgrader", {})
    return found if isinstance(found, dict) else {}


def key_of(cell):
    """What a cell of the lesson is known by, also after its metadata or its id has gone."""
    key = grading(cell).get("grade_id")
    return key if isinstance(key, str) and key else cell.get("id")


class Reassemble(NbGraderPreprocessor):
    """The lesson's own notebook, with the student's answers in it.

    A returned notebook may have missing, duplicated or reordered cells, modified checks or metadata, or tags that keep a
    check from running. So only answers are taken from it: the latest text of each solution cell, and cells that the student
    added, which stay after the same cell.
    """

    def preprocess(self, nb, resources):
        names = resources["nbgrader"]
        source = Path(self.config.CourseDirectory.get("source_directory", "source"))
        path = source / names["assignment"] / f"{names['notebook']}.ipynb"
        if not path.exists():
            self.log.warning("%s does not exist: grading the notebook as it was returned", path)
            return nb, resources
        lesson = nbformat.read(path, as_version=4)
        if not is_ours(lesson):
            return nb, resources
        lesson, resources = ClearSolutions(parent=self.parent).preprocess(lesson, resources)
        lesson.cells, notes = reassembled(lesson.cells, nb.cells)
        lesson.metadata[NOTES] = {"notes": notes}
        for note in notes:
            self.log.warning(note)
        return lesson, resources


def reassembled(lesson, returned):
    """@returns the cells to grade, and remarks about the returned ones, a line each"""
    known = {key_of(cell): i for i, cell in enumerate(lesson) if key_of(cell)}
    # Where ids have gone, as in notebooks of an older format, a cell of the lesson is known by its text.
    texts = {cell.source.strip(): i for i, cell in enumerate(lesson) if not grading(cell)}
    # A student's duplicate of a cell has the cell's grade_id and an id of its own.
    found = [[] for _ in lesson]
    added = [[] for _ in range(len(lesson) + 1)]  # by the cell that they stand behind
    behind = 0
    order = []
    for cell in returned:
        place = known.get(key_of(cell), known.get(cell.get("id"), texts.get(cell.source.strip())))
        if place is not None:
            found[place].append(cell)
            order.append(place)
            behind = place + 1
        elif cell.cell_type == "code" and cell.source.strip():
            added[behind].append(student_cell(cell))
    notes = []
    cells = list(added[0])
    for place, cell in enumerate(lesson):
        own = cell.copy()
        if grading(cell).get("solution"):
            notes.extend(take_answer(own, found[place]))
        elif grading(cell).get("grade"):
            if not found[place]:
                notes.append(f"{key_of(cell)}: the check was missing and was restored.")
            elif any(not same_text(other.source, without_hidden(cell.source)) for other in found[place]):
                notes.append(f"{key_of(cell)}: the check had been changed and was restored.")
        cells.append(own)
        cells.extend(added[place + 1])
    if order != sorted(order):
        notes.append("The cells were in a different order; the lesson's order was restored.")
    return cells, notes


def take_answer(cell, candidates):
    """Puts the student's answer into the lesson's cell; its text there is the stub. @returns remarks"""
    key = key_of(cell)
    if not candidates:
        return [f"{key}: the cell was missing."]
    written = [other for other in candidates if not same_text(other.source, cell.source)]
    cell.source = (written or candidates)[-1].source
    return [f"{key}: the cell appeared {len(candidates)} times; the last one was graded."] if len(candidates) > 1 else []


def student_cell(cell):
    """A cell that the student added: its metadata is not trusted."""
    fresh = nbformat.v4.new_code_cell(cell.source)
    fresh.metadata[NOTES] = {"added": True}
    return fresh


def without_hidden(source):
    return re.sub(r"^.*BEGIN HIDDEN TESTS[\s\S]*?END HIDDEN TESTS.*\n?", "", source, flags=re.M)


def same_text(a, b):
    return a.strip() == b.strip()


class IsolatedKernelManager(AsyncKernelManager):
    """Starts a kernel inside ../sandbox.ts. It is spoken to through files, since it has no network."""

    isolate = Bool(True, help="Whether kernels are isolated from the machine").tag(config=True)
    memory = Integer(3072, help="MB that a kernel and everything it starts may use").tag(config=True)
    seconds = Integer(7200, help="Seconds after which a kernel is killed").tag(config=True)
    cores = Unicode("", help="Processors that a kernel may use, in taskset's notation: 0,2-3; default: all").tag(config=True)

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.transport = "ipc"
        self._folder = tempfile.mkdtemp(prefix="difflab-grade-")
        self.connection_file = os.path.join(self._folder, "kernel.json")

    def format_kernel_cmd(self, extra_arguments=None):
        command = super().format_kernel_cmd(extra_arguments)
        if not self.isolate:
            return command
        limits = {"memory": self.memory, "seconds": self.seconds, "cores": self.cores}
        # A kernel of another language needs more of the machine than ours.
        readable = [] if self.kernel_spec.language == LANGUAGE else [sys.prefix, sys.base_prefix]
        options = json.dumps({**limits, "readable": readable, "writable": [self._folder], "parent": os.getpid()})
        return [node(), str(ROOT / "dist/kernel/class/sandbox.js"), options, *command]

    async def _async_cleanup_resources(self, restart=False):
        await super()._async_cleanup_resources(restart)
        if not restart:
            shutil.rmtree(self._folder, ignore_errors=True)


def node():
    return os.environ.get("DIFFLAB_NODE") or shutil.which("node") or "node"


# Errors after which the kernel's process is another one, and all that earlier cells made is gone.
FATAL = {"ProcessCrash", "OutOfMemory", "KernelEnded"}
FATAL_TEXT = "Its variables are gone"

# Errors of the kernel itself, on a machine that is too busy: nobody's answer is at fault, so the notebook is run again.
UNSTEADY = {"KernelError", "ProcessStart"}
MOST_RUNS = 3


class Unsteady(Exception):
    """The kernel could not do its work, through no fault of the notebook's."""


class OutOfTime(Exception):
    """The whole notebook has taken too long; no single cell is at fault."""


class ExecuteIsolated(Execute):
    """Runs a notebook for grading.

    - The kernel runs isolated from the machine, with limits (see IsolatedKernelManager).
    - Answers and checks have their own time limit, far below that of the lesson's cells; training is shortened as the
      lesson says in its cells' metadata (`difflab.quick`). Time that the kernel spends waiting for a busy processor does
      not count (own_time.py).
    - If an answer ends the kernel's process, the notebook is run again without that answer, so that the others count.
    - Whatever an answer changes outside itself is restored before the check (../guard.ts).
    """

    answer_timeout = Integer(60, help="Seconds for an answer, and for a check").tag(config=True)
    lesson_timeout = Integer(600, help="Seconds for a cell of the lesson").tag(config=True)
    notebook_timeout = Integer(900, help="Seconds for the whole notebook").tag(config=True)
    quick = Bool(True, help="Whether the lesson's trainings are cut short").tag(config=True)
    # nbclient's own 4 s are too few for an answer that prints a million lines, and on a busy machine.
    iopub_timeout = Integer(60, help="Seconds that a cell's last output may be late").tag(config=True)
    startup_timeout = Integer(300, help="Seconds that a kernel may take to start").tag(config=True)

    def preprocess(self, nb, resources, km=None):
        if not is_ours(nb):
            return PLAIN_EXECUTE(self, nb, resources, km)
        self.kernel_manager_class = IsolatedKernelManager
        self.timeout_func = self.limit_of
        self._ends_at = time.monotonic() + self.notebook_timeout
        self._own = None
        notes = nb.metadata.setdefault(NOTES, {}).setdefault("notes", [])
        sources = [cell.source for cell in nb.cells]
        given_up = {}
        try:
            if self.quick:
                for cell in nb.cells:
                    cell.source = quickly(cell)
            failed = 0
            while True:
                self._ended = None
                self._given_up = given_up
                self._notes = []
                try:
                    self._run(nb, resources, km)
                except Unsteady as error:
                    failed += 1
                    if failed == MOST_RUNS:
                        raise
                    self.log.warning("Run again: %s", error)
                    continue
                if self._ended is None or time.monotonic() > self._ends_at:
                    break
                index, output = self._ended
                # Run again, without the cell that ended it.
                given_up[index] = [output]
        finally:
            for cell, source in zip(nb.cells, sources):
                cell.source = source
            notes.extend(note for note in self._notes if note not in notes)
        for cell in nb.cells:
            for output in cell.get("outputs", []):
                if output.output_type == "stream":
                    output.name = "stdout"
        return nb, resources

    def _run(self, nb, resources, km):
        for cell in nb.cells:
            if cell.cell_type == "code":
                cell.outputs = []
        self._started = set()
        problem = None
        try:
            PLAIN_EXECUTE(self, nb, resources, km)
        except (DeadKernelError, CellTimeoutError, RuntimeError, OutOfTime) as error:
            problem = error
        # A check that did not run has printed nothing, and would get all its points.
        for index, cell in enumerate(nb.cells):
            if cell.cell_type != "code" or not cell.source.strip() or index in self._started:
                continue
            cell.outputs = [error_output("NotRun", f"This cell was not reached: {problem or 'the notebook was stopped.'}")]
        if problem is not None and not self._started:
            raise Unsteady(f"the kernel did not start: {problem}")
        is_at_fault = problem is not None and not isinstance(problem, OutOfTime)
        if is_at_fault and self._ended is None and self._started:
            index = max(self._started)
            said = "The answer ended the kernel." if isinstance(problem, DeadKernelError) else str(problem)
            output = error_output("KernelEnded", said.strip().split("\n")[0])
            nb.cells[index].outputs.append(output)
            self._blame(nb, index, output)

    def _blame(self, nb, index, output):
        """Notes which cell to leave out next time: the student's own, or for a check the answer is at fault as it runs there."""
        if grading(nb.cells[index]).get("grade") or is_students(nb.cells[index]):
            self._ended = (index, output)

    async def async_execute_cell(self, cell, cell_index, *args, **kwargs):
        if cell.cell_type != "code" or not cell.source.strip():
            return await super().async_execute_cell(cell, cell_index, *args, **kwargs)
        if cell_index in self._given_up:
            self._started.add(cell_index)
            cell.outputs = copy.deepcopy(self._given_up[cell_index])
            return cell
        if time.monotonic() > self._ends_at:
            raise OutOfTime(f"the notebook took longer than {self.notebook_timeout} s.")
        if not self._started:
            await self._install_guard()
        students = is_students(cell)
        is_check = bool(grading(cell).get("grade"))
        if students or is_check:
            await self._ask("before")
        self._started.add(cell_index)
        self._own = OwnTime(process_of(self.km), core_count(self.km.cores))
        try:
            cell = await super().async_execute_cell(cell, cell_index, *args, **kwargs)
        finally:
            self._ends_at += self._own.waited()
        for output in cell.outputs:
            if output.output_type == "error" and output.ename in UNSTEADY:
                raise Unsteady(f"{output.ename}: {output.evalue}")
            if output.output_type == "error" and not students and not is_check and not is_meant(cell):
                self._notes.append(f"{key_of(cell)}: the lesson's own cell failed: {output.ename}: {output.evalue[:200]}")
        ended = [output for output in cell.outputs if is_fatal(output)]
        if ended:
            self._blame(self.nb, cell_index, ended[0])
            if self._ended is not None:
                raise DeadKernelError("an earlier cell ended the kernel's process.")
            await self._install_guard()
        elif students or is_check:
            await self._restore(key_of(cell) or "an added cell")
        else:
            await self._ask("lesson")
        return cell

    execute_cell = run_sync(async_execute_cell)

    def on_cell_executed(self, **kwargs):
        super().on_cell_executed(**kwargs)
        status = kwargs["execute_reply"]["content"]["status"]
        # A cell that the kernel has put aside prints nothing, and a check that prints nothing gets all its points.
        if status not in {"ok", "error"}:
            raise Unsteady(f"the kernel did not run a cell ({status})")

    async def _async_handle_timeout(self, timeout, cell=None):
        """A cell's time is over by the clock: stops it, unless the machine was too busy to give it that time."""
        if cell is not None and self._own.seconds() < 0.95 * timeout:
            self.log.info("The machine is busy: a cell may take longer than its %i s", timeout)
            await asyncio.sleep(1)
            return None
        return await super()._async_handle_timeout(timeout, cell)

    async def _install_guard(self):
        guard = (ROOT / "dist/kernel/class/guard.js").as_uri()
        await self._silently(f'(await import({json.dumps(guard)})).installGuard(await import("difflab"))')

    async def _ask(self, name):
        return await self._silently(f'(globalThis as any)["__difflab_guard"].{name}()')

    async def _restore(self, key):
        changed = await self._silently("0", '(globalThis as any)["__difflab_guard"].restore()')
        if changed:
            self._notes.append(f"{key}: changed things outside the answer, which were restored: {changed}.")

    async def _silently(self, code, expression=None):
        """Runs code that belongs to no cell. @returns the text of the expression's value"""
        expressions = {"value": expression} if expression else {}
        options = {"silent": True, "store_history": False, "stop_on_error": False}
        request = self.kc.execute(code, user_expressions=expressions, **options)
        reply = await self.async_wait_for_reply(request)
        content = reply["content"] if reply else {}
        value = content.get("user_expressions", {}).get("value", {"status": "ok"})
        if content.get("status") != "ok" or value.get("status") != "ok":
            raise Unsteady(f"the guard failed: {content.get('evalue') or value.get('evalue')}")
        text = value.get("data", {}).get("text/plain", "''")
        return text.strip("'\"`")

    def limit_of(self, cell):
        """Seconds that a cell may take."""
        own = self.answer_timeout if is_students(cell) or grading(cell).get("grade") else self.lesson_timeout
        return max(1, min(own, int(self._ends_at - time.monotonic())))


def process_of(manager):
    """The id of the process that a kernel manager has started."""
    process = getattr(manager.provisioner, "process", None)
    return process.pid if process else None


def core_count(cores):
    """How many processors a list such as "0,2-3" names; 0 where it is empty."""
    ranges = [list(map(int, part.split("-"))) for part in cores.split(",") if part]
    return sum(numbers[-1] - numbers[0] + 1 for numbers in ranges)


def is_students(cell):
    return cell.cell_type == "code" and bool(grading(cell).get("solution") or cell.metadata.get(NOTES, {}).get("added"))


def is_meant(cell):
    return "raises-exception" in cell.metadata.get("tags", [])


def is_fatal(output):
    return output.output_type == "error" and (output.ename in FATAL or FATAL_TEXT in output.evalue)


def error_output(ename, evalue):
    traceback = [f"\x1b[31m{ename}\x1b[39m: {evalue}"]
    return NotebookNode(output_type="error", ename=ename, evalue=evalue, traceback=traceback)


def quickly(cell):
    source = cell.source
    replacements = cell.metadata.get("difflab", {}).get("quick", {})
    for old, new in replacements.items():
        source = source.replace(old, new, 1)
    return source


class Collector(FileNameCollectorPlugin):
    """Finds out whose file each returned file is, however it was returned.

    `STUDENT/NOTEBOOK.ipynb`, `STUDENT_NOTEBOOK.ipynb`, `STUDENT.zip` with the notebook in it, and the folders and names that
    Moodle and Canvas create. A file's time is when it was last modified; of two from one student, the newer is used.
    """

    notebooks = Dict(help="Names of the notebooks; default: those of the released assignment").tag(config=True)
    report = Unicode("", help="File to which the fate of each returned file is appended").tag(config=True)

    def collect(self, submitted_file):
        path = Path(submitted_file)
        assignment, inside = self.place_of(path)
        found = identify(inside, self.names(assignment))
        if path.is_symlink() or found is None:
            return None
        student, notebook = found
        moment = time.gmtime(self.time_of(path, inside))
        return {
            "student_id": student,
            "file_id": notebook,
            "timestamp": time.strftime("%Y-%m-%d %H:%M:%S UTC", moment),
        }

    def place_of(self, path):
        parts = path.parts
        at = len(parts) - 1 - parts[::-1].index("extracted")
        return parts[at - 1], Path(*parts[at + 1 :])

    def names(self, assignment):
        return [path.stem for path in Path("release", assignment).glob("*.ipynb")]

    def time_of(self, path, inside):
        """When it was returned: extracting has given the file itself a new time."""
        archive = Path(*path.parts[: -len(inside.parts) - 1]) / "archive"
        for name in [inside, *inside.parents]:
            for ending in ["", ".zip", ".gz", ".tar.gz"]:
                candidate = archive / f"{name}{ending}"
                if str(name) != "." and candidate.is_file():
                    return candidate.stat().st_mtime
        return path.stat().st_mtime


def identify(inside, notebooks):
    """@returns (student, notebook) of a returned file, from its path; None if the path does not say"""
    if inside.suffix != ".ipynb" or inside.name.startswith("."):
        return None
    # "02-gradients (1).ipynb", "02-gradients-2.ipynb", "02-gradients - Copy.ipynb"
    stem = re.sub(r"(\s*\(\d+\)|-\d{1,2}|\s*-\s*Copy|-Copy\d+)$", "", inside.stem, flags=re.I)
    for notebook in sorted(notebooks, key=len, reverse=True):
        for separator in ["", "_", "-", " "]:
            if separator and not stem.endswith(separator + notebook):
                continue
            if not separator and stem != notebook:
                continue
            student = stem[: len(stem) - len(notebook) - len(separator)]
            if not student and len(inside.parts) > 1:
                student = inside.parts[0]
                # Moodle: "Ada Lovelace_12345_assignsubmission_file_"
                student = re.sub(r"_\d+_assignsubmission_file_?.*$", "", student)
                # A zip named STUDENT_NOTEBOOK.zip
                student = re.sub(rf"[_\- ]{re.escape(notebook)}$", "", student)
            # Canvas: "lovelaceada_12345_67890_02-gradients"
            student = re.sub(r"(_LATE)?_\d+_\d+$", "", student)
            # What would be a pattern, or another folder, in the paths of nbgrader.
            student = re.sub(r"[\[\]*?/\\]", "_", student).strip(" ._-")
            # macOS writes an accent as a separate character: it is the same student.
            student = unicodedata.normalize("NFC", student)
            return (student, notebook) if student else None
    return None
