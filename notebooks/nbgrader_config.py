# How nbgrader treats the notebooks in TypeScript of a course; those in other languages are left as they are.
from nbgrader.preprocessors import ClearSolutions, Execute


class ExecuteTypeScript:
    """nbgrader gives no point to a cell that prints on standard error. In TypeScript that is a warning; failures are errors."""

    execute = Execute.preprocess

    def preprocess(self, nb, *args, **kwargs):
        nb, resources = ExecuteTypeScript.execute(self, nb, *args, **kwargs)
        if nb.metadata.get("kernelspec", {}).get("language") == "typescript":
            for cell in nb.cells:
                for output in cell.get("outputs", []):
                    if output.output_type == "stream":
                        output.name = "stdout"
        return nb, resources


# Grading and the button "Validate" both run notebooks with this class, and only the first has an option for more steps.
Execute.preprocess = ExecuteTypeScript.preprocess

c = get_config()  # noqa: F821
# What is left in place of a solution type-checks as a statement and as a value: behind =>, in brackets, as an argument.
c.ClearSolutions.code_stub = {**ClearSolutions().code_stub, "typescript": '// Your code here.\nTODO()'}
# The training in notebook 03 takes two to three minutes; nbgrader would stop it after half of one.
c.ExecutePreprocessor.timeout = 900
