# What nbgrader does with notebooks in TypeScript wherever they are: for "Validate" outside the folder of a course.
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
from difflab_class import configure  # noqa: E402

configure(get_config())  # noqa: F821
