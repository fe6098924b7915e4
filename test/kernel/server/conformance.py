"""Runs jupyter_kernel_test against the kernel "difflab" and prints one line of JSON for each of its tests."""

import json
import sys
import unittest

import jupyter_kernel_test

DISPLAYED = '({ [Symbol.for("Jupyter.display")]: () => (%s) })'


class DifflabTests(jupyter_kernel_test.KernelTests):
    kernel_name = "difflab"
    language_name = "typescript"
    file_extension = ".ts"

    code_hello_world = 'console.log("hello, world")'
    code_stderr = 'console.error("test")'

    completion_samples = [
        {"text": "Math.hyp", "matches": {"hypot"}},
        {"text": '"text".toUpperC', "matches": {"toUpperCase"}},
        {"text": "cons"},
    ]

    complete_code_samples = [
        "1",
        "const x = 1",
        "function f(a: number) {\n  return a;\n}",
        "// a comment",
        "await Promise.resolve(1)",
        'import { join } from "node:path"',
        "for (const x of [1, 2]) {\n  console.log(x);\n}\n",
        "class A<T> { x?: T }",
    ]
    incomplete_code_samples = [
        "function f() {",
        "const x = [1,",
        "if (true) {",
        "Math.max(1,",
        "`abc",
        "/* a comment",
        "const x =",
    ]
    invalid_code_samples = ["const x = ;", "let 1x = 2", "import from from from", "}", "1 +* 2"]

    code_page_something = "Math.max?"
    code_generate_error = 'throw new Error("expected")'

    code_execute_result = [
        {"code": "1 + 2 + 3", "result": "6"},
        {"code": "[1, 2, 3].map((x) => x * x)", "result": "[ 1, 4, 9 ]"},
        {"code": "await Promise.resolve(7)", "result": "7"},
        {"code": DISPLAYED % '{ "text/html": "<b>x</b>", "text/plain": "x" }', "result": "<b>x</b>", "mime": "text/html"},
    ]
    code_display_data = [
        {"code": "display(%s)" % (DISPLAYED % '{ "text/html": "<b>x</b>" }'), "mime": "text/html"},
        {"code": "display(%s)" % (DISPLAYED % '{ "image/svg+xml": "<svg></svg>" }'), "mime": "image/svg+xml"},
        {"code": "display(1)", "mime": "text/plain"},
    ]

    code_history_pattern = "1?+?2*"
    supported_history_operations = ("tail", "range", "search")
    code_inspect_sample = "Math.max"
    code_clear_output = "clearOutput()"


class DifflabWelcomeTests(jupyter_kernel_test.IopubWelcomeTests):
    kernel_name = "difflab"
    support_iopub_welcome = True


class Reporter(unittest.TestResult):
    """One line for each test; a test whose sub-tests fail has failed."""

    def __init__(self):
        super().__init__()
        self.outcomes = {}

    def note(self, test, status, detail=""):
        name = test.id().split(" ")[0].split(".")[-1]
        if self.outcomes.get(name, {}).get("status") != "failed":
            self.outcomes[name] = {"test": name, "status": status, "detail": detail}

    def addSuccess(self, test):
        self.note(test, "passed")

    def addFailure(self, test, err):
        self.note(test, "failed", self._exc_info_to_string(err, test))

    addError = addFailure

    def addSkip(self, test, reason):
        self.note(getattr(test, "test_case", test), "skipped", reason)

    def addSubTest(self, test, subtest, err):
        if err is not None:
            self.note(test, "failed", f"{subtest}\n{self._exc_info_to_string(err, test)}")


suite = unittest.TestSuite()
for case in (DifflabTests, DifflabWelcomeTests):
    suite.addTests(unittest.defaultTestLoader.loadTestsFromTestCase(case))
reporter = Reporter()
suite.run(reporter)
for outcome in reporter.outcomes.values():
    print(json.dumps(outcome))
sys.exit(0)
