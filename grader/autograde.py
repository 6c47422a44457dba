"""Formgrader's Autograde button and `nbgrader autograde`: by the same path as `make grade`.

nbgrader has no setting for the class that grades, so nbgrader_config.py calls `install`.
"""

from __future__ import annotations

import asyncio
import copy
import json

import nbgrader.apps.api
import nbgrader.apps.autogradeapp
from nbgrader import converters
from nbgrader.converters import NbGraderException


class Autograde(converters.Autograde):
    """nbgrader's class to its callers; the work is done by `grader.grade`, in processes of their own."""

    def start(self) -> None:
        from grader.grade import grade_all  # here, because every command of nbgrader reads its configuration
        from grader.progress import Log
        from grader.sandbox import NoSandbox

        settings = copy.deepcopy(self.config)
        settings.CourseDirectory.update(root=self.coursedir.root, db_url=self.coursedir.db_url)
        names = self.coursedir.assignment_id, self.coursedir.student_id
        try:
            done = grade_all(settings, *names, again=self.force, progress=Log(self.log))
        except NoSandbox as error:
            raise NbGraderException(str(error)) from error
        if not done:
            raise NbGraderException("Some submissions have no marks yet: the lines above say why.")


async def post(self, assignment_id, student_id):
    """Grade in a thread, so that the server answers others in the meantime."""
    api = self.api
    own = nbgrader.apps.api.NbGraderAPI(config=api.config)  # the course folder in `api` is shared by all requests
    result = await asyncio.to_thread(own.autograde, assignment_id, student_id)
    self.write(json.dumps(result))


def install() -> None:
    """Put `Autograde` and `post` in the place of nbgrader's own."""
    nbgrader.apps.api.Autograde = nbgrader.apps.autogradeapp.Autograde = Autograde
    try:
        from nbgrader.server_extensions.formgrader import apihandlers
    except ImportError:  # without the server, there is no button
        return
    guarded = apihandlers.check_notebook_dir(post)
    apihandlers.AutogradeHandler.post = apihandlers.web.authenticated(apihandlers.check_xsrf(guarded))
