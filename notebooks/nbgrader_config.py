# What nbgrader leaves in place of a solution: a stub that type-checks, as the cells are checked before they run.
c = get_config()  # noqa: F821
c.ClearSolutions.code_stub = {"typescript": '// Your code here.\nthrow new Error("No answer yet.");'}
# The training in notebook 03 takes two to three minutes; nbgrader would stop it after half of one.
c.ExecutePreprocessor.timeout = 900
