"""Prints as JSON what a course's gradebook and its graded notebooks say. Run in the folder of the course.

    python gradebook.py check                    whether the gradebook can be read: "", or why not
    python gradebook.py students                 puts students.csv into the gradebook: how many
    python gradebook.py grades ASSIGNMENT        grades, and why points were lost
"""
import csv
import importlib.util
import json
import re
import sqlite3
import sys
from pathlib import Path
from unicodedata import normalize

URL = "sqlite:///gradebook.db"


def check():
    """Without nbgrader itself, the import of which takes longer than all else."""
    if not Path("gradebook.db").exists():
        return ""
    try:
        db = sqlite3.connect("file:gradebook.db?mode=ro", uri=True)
        found = {row[0] for row in db.execute("select version_num from alembic_version")}
        known, latest = revisions()
        db.execute("pragma quick_check").fetchone()
    except sqlite3.DatabaseError as error:
        return f"gradebook.db cannot be read ({error})"
    if latest in found:
        return ""
    whose = "an older" if found & known else "another"
    return f"gradebook.db was made by {whose} version of nbgrader ({', '.join(sorted(found)) or 'no version'}, expected {latest})"


def revisions():
    """@returns the versions of the gradebook that this nbgrader knows, and the one that it reads"""
    folder = Path(importlib.util.find_spec("nbgrader").origin).parent / "alembic" / "versions"
    texts = [path.read_text(encoding="utf8") for path in folder.glob("*.py")]
    found = [re.search(r"^revision\s*(?::[^=]*)?=\s*['\"](\w+)", text, re.M) for text in texts]
    before = [re.search(r"^down_revision\s*(?::[^=]*)?=\s*['\"](\w+)", text, re.M) for text in texts]
    known = {match[1] for match in found if match}
    (latest,) = known - {match[1] for match in before if match}
    return known, latest


def students():
    from nbgrader.api import Gradebook

    path = Path("students.csv")
    rows = list(csv.DictReader(path.open(encoding="utf-8-sig", newline=""))) if path.exists() else []
    rows = [{key: normalize("NFC", (value or "").strip()) for key, value in row.items() if key} for row in rows]
    with Gradebook(URL) as gb:
        for row in rows:
            fields = {key: row[key] for key in ["first_name", "last_name", "email"] if row.get(key)}
            if row.get("id"):
                gb.update_or_create_student(row["id"], **fields)
    return len([row for row in rows if row.get("id")])


def grades(assignment):
    from nbgrader.api import Gradebook

    found = []
    with Gradebook(URL) as gb:
        for submission in gb.assignment_submissions(assignment):
            student = submission.student.id
            exercises = []
            notes = []
            for notebook in submission.notebooks:
                path = Path("autograded", student, assignment, f"{notebook.name}.ipynb")
                reasons, said = reasons_of(path)
                notes.extend(said)
                for grade in notebook.grades:
                    lost = grade.max_score - (grade.score or 0)
                    exercises.append(
                        {
                            "id": grade.name,
                            "points": grade.score or 0,
                            "of": grade.max_score,
                            "manual": bool(grade.needs_manual_grade),
                            "why": reasons.get(grade.name, "") if lost > 0 else "",
                        }
                    )
            found.append(
                {
                    "student": student,
                    "points": submission.score,
                    "of": submission.max_score,
                    "late": submission.total_seconds_late,
                    "exercises": sorted(exercises, key=lambda exercise: exercise["id"]),
                    "notes": notes,
                }
            )
    return found


def reasons_of(path):
    """@returns for each check what went wrong, in a line; and what was noticed of the notebook"""
    if not path.exists():
        return {}, []
    nb = json.loads(path.read_text(encoding="utf8"))
    reasons = {}
    answer = ""
    for cell in nb["cells"]:
        key = grading(cell).get("grade_id")
        error = first_error(cell)
        if grading(cell).get("solution") and not grading(cell).get("grade"):
            answer = f"in the answer: {error}" if error else ""
        elif grading(cell).get("grade") and error:
            # What failed in the answer itself is why the check fails.
            reasons[key] = answer or error
            answer = ""
    return reasons, list(nb["metadata"].get("difflab_class", {}).get("notes", []))


def grading(cell):
    return cell["metadata"].get("nbgrader", {})


def first_error(cell):
    if any(output.get("ename") == "CellTimeoutError" for output in cell.get("outputs", [])):
        return "it did not finish within the time limit for a cell"
    for output in cell.get("outputs", []):
        if output["output_type"] == "error":
            text = re.sub(r"\x1b\[[\d;]*m", "", f"{output['ename']}: {output['evalue']}")
            return " ".join(text.removeprefix("Error: ").split())[:300]
    return ""


if __name__ == "__main__":
    command, *arguments = sys.argv[1:]
    print(json.dumps({"answer": {"check": check, "students": students, "grades": grades}[command](*arguments)}))
