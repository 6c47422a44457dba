"""nbgrader's configuration, found through JUPYTER_CONFIG_PATH (the Makefile sets it)."""

from pathlib import Path

from grader.autograde import install

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
install()  # Formgrader's Autograde button and the command nbgrader autograde do as `make grade`

c.Autograde.autograde_preprocessors = [
    "grader.execute.Execute",
    NB + "IgnorePattern",
    NB + "LimitOutput",
    "grader.safe_html.KeepPlainOutputs",
    "grader.execute.SaveAutoGrades",
    NB + "AssignLatePenalties",
]
c.GenerateFeedback.exporter_class = "grader.safe_html.Exporter"
c.HTMLExporter.sanitize_html = True
c.HTMLExporter.filters = {"clean_html": "grader.safe_html.clean", "markdown2html": "grader.safe_html.markdown"}
# The sandbox and its limits: c.Sandbox.memory_mib = 2048 and so on, see grader/sandbox.py.

c.Execute.shutdown_kernel = "immediate"
c.Execute.raise_on_iopub_timeout = False  # after a flood of output; that the kernel still answers is seen to
c.Execute.store_widget_state = False  # so that feedback pages show the still pictures, which need no network
