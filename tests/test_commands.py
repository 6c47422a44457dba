"""The README's commands, the environment, and what a machine without Python or network is told."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import yaml

ROOT = Path(__file__).parents[1]
MAKEFILE = (ROOT / "Makefile").read_text()


def setup(folder, **environment):
    """Run the set-up script in a folder with nothing in it but the project's own files."""
    for name in ("requirements.lock", "pyproject.toml", "course/pyproject.toml", "grader/setup.sh"):
        (folder / name).parent.mkdir(exist_ok=True)
        shutil.copy(ROOT / name, folder / name)
    return subprocess.run(
        [shutil.which("sh"), "grader/setup.sh"], cwd=folder, env=environment, capture_output=True, text=True
    )


def with_commands(folder, *names):
    """A folder to use as PATH, in which only these commands are found."""
    folder.mkdir()
    for name in names:
        (folder / name).symlink_to(shutil.which(name))
    return str(folder)


def test_make_alone_lists_every_command_with_a_line():
    listed = subprocess.run(["make"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    commands = re.search(r"^\.PHONY: (.*)$", MAKEFILE, re.M)[1].split()
    assert {"lab", "test", "course", "teach", "grade", "mutants", "bench", "browser-test", "lint", "clean"} <= set(
        commands
    )
    for command in commands:
        assert re.search(rf"^  {command} +\w", listed, re.M), command


def test_a_machine_without_python_is_told_what_to_install(tmp_path):
    run = setup(tmp_path, PATH=with_commands(tmp_path / "bin", "rm", "touch"))
    assert run.returncode != 0
    assert run.stderr.count("\n") == 1
    assert run.stderr.startswith("Python 3.11 or later is needed")


def test_a_machine_without_network_is_told_so(tmp_path):
    path = with_commands(tmp_path / "bin", "rm", "touch")
    (tmp_path / "bin" / "python3").symlink_to(sys._base_executable)
    nowhere = "http://127.0.0.1:9/simple"
    run = setup(tmp_path, PATH=path, HOME=str(tmp_path), PIP_INDEX_URL=nowhere, PIP_RETRIES="0")
    assert run.returncode != 0
    assert run.stderr.count("\n") == 1
    assert run.stderr.startswith("The package index cannot be reached")
    assert not (tmp_path / ".venv" / "ready").exists()


def test_a_second_call_sets_up_nothing():
    environment = os.environ | {"CONDA_DEFAULT_ENV": ""}
    run = subprocess.run(
        ["make", "-n", "lab"], cwd=ROOT, capture_output=True, text=True, env=environment, check=True
    )
    assert "setup.sh" not in run.stdout


def test_an_active_conda_environment_is_used_and_no_venv_made(tmp_path):
    shutil.copy(ROOT / "Makefile", tmp_path)
    environment = os.environ | {"CONDA_DEFAULT_ENV": "conv2d-course", "CONDA_PREFIX": "/the/environment"}
    run = subprocess.run(
        ["make", "-n", "lab"], cwd=tmp_path, capture_output=True, text=True, env=environment, check=True
    )
    assert "setup.sh" not in run.stdout
    assert "jupyter lab" in run.stdout


def test_environment_yml_installs_this_project_and_its_name_is_the_makefiles():
    environment = yaml.safe_load((ROOT / "environment.yml").read_text())
    assert f"($(CONDA_DEFAULT_ENV),{environment['name']})" in MAKEFILE
    (pip,) = (entry["pip"] for entry in environment["dependencies"] if isinstance(entry, dict))
    assert pip == ["--editable ./course", "--editable .[test]"]
    assert any(re.match(r"python\b", entry) for entry in environment["dependencies"] if isinstance(entry, str))


def test_lock_pins_everything_with_hashes_and_names_no_address():
    lock = (ROOT / "requirements.lock").read_text()
    pinned = re.findall(r"^([a-z0-9._-]+)==\S+.* \\\n    --hash=sha256:", lock, re.M)
    assert len(pinned) == len(re.findall(r"^\S+==", lock, re.M)) > 100
    assert "://" not in lock
    wanted = re.findall(r'^    "([a-z0-9-]+)[>=]', (ROOT / "course/pyproject.toml").read_text(), re.M)
    wanted += re.findall(r'^    "([a-z0-9-]+)[>=]', (ROOT / "pyproject.toml").read_text(), re.M)
    assert {"torch", "torchvision", "nbgrader", "pytest"} <= set(wanted) <= set(pinned)
