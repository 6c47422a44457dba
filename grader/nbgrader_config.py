"""nbgrader's configuration, found through JUPYTER_CONFIG_PATH (the Makefile sets it)."""

from pathlib import Path

HERE = Path(__file__).resolve().parent
NB = "nbgrader.preprocessors."

c = get_config()  # noqa: F821  (traitlets provides it)

c.CourseDirectory.course_id = "conv2d"
c.CourseDirectory.root = str(HERE.parent)
c.CourseDirectory.source_directory = "solutions"
c.CourseDirectory.release_directory = "course"
for stage in ("submitted", "autograded", "feedback", "solution", "source_with_tests"):
    setattr(c.CourseDirectory, f"{stage}_directory", f"grader/{stage}")
c.CourseDirectory.db_url = f"sqlite:///{HERE / 'gradebook.db'}"
c.CourseDirectory.ignore = [".ipynb_checkpoints", "*.pyc", "__pycache__", "*.nb.py"]
c.ZipCollectApp.downloaded_directory = "grader/downloaded"

c.GenerateAssignment.preprocessors = [
    NB + "LockCells",
    "grader.release.ClearSolutions",
    NB + "ClearOutput",
    NB + "CheckCellMetadata",
    NB + "ComputeChecksums",
    NB + "SaveCells",
    NB + "ClearHiddenTests",
    NB + "ClearMarkScheme",
    NB + "ComputeChecksums",
    NB + "CheckCellMetadata",
    "grader.release.Finish",
]

c.OverwriteCells.add_missing_cells = True
c.Execute.shutdown_kernel = "immediate"
c.Execute.timeout = 120
c.Execute.skip_cells_with_tag = ""  # a check that is tagged to be skipped would get full marks
c.Execute.store_widget_state = False  # so that feedback pages show the still pictures, which need no network
