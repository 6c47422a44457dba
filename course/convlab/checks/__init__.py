"""The exercises of the course, one module a notebook, and the machinery that judges them.

A notebook imports its module and hands it the student's work::

    from convlab.checks import sliding_window as check
    check.output_size(output_size)
"""
