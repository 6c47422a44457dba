"""How to use what a student wrote: the `call` of an exercise.

Each takes the student's work and the inputs of a case, and returns what is to be judged. This is the step
that runs where the student's code runs, so nothing here knows a right answer. Where the inputs build
something first (a module to initialise, a model to train), the exercise says how with a `build` function
of the inputs.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable

import torch
from torch import nn


def function(work, **inputs):
    """A function: what it returns (one value or several)."""
    return work(*inputs.values())


def gradients(work, upstream: torch.Tensor, **inputs):
    """A differentiable function, or the `apply` of an autograd Function: its output and its gradients.

    Differentiates `(output * upstream).sum()` in every floating-point tensor among the inputs. A gradient
    is None where none arrives; all are None where the output is cut from the graph.
    """
    leaves = {
        name: value.requires_grad_()
        for name, value in inputs.items()
        if isinstance(value, torch.Tensor) and value.is_floating_point()
    }
    output = work(*inputs.values())
    if output.requires_grad and output.shape == upstream.shape:
        output.backward(upstream)
    return {"output": output, "gradient": {name: leaf.grad for name, leaf in leaves.items()}}


def autograd_function(work, upstream: torch.Tensor, needs: tuple[str, ...], **inputs):
    """A torch.autograd.Function: its output, and what its backward returns for each of its inputs.

    Differentiates `(output * upstream).sum()`. Only the inputs named in `needs` require a gradient, so the
    backward should return None for the others.
    """
    returned = dict.fromkeys(inputs)

    def backward(ctx, *upstream):
        found = work.backward(ctx, *upstream)
        returned.update(zip(inputs, found if isinstance(found, tuple) else (found,), strict=False))
        return found

    observed = type(work.__name__, (work,), {"backward": staticmethod(backward)})
    for name in needs:
        inputs[name].requires_grad_()
    output = observed.apply(*inputs.values())
    if output.requires_grad and output.shape == upstream.shape:
        output.backward(upstream)
    return {"output": output, "gradient": returned}


def in_place(build: Callable) -> Callable:
    """An initialiser that fills the parameters of `build(**inputs)` (a module, or one Parameter) in place.

    Judged are the parameters afterwards, whether they are still the same objects, and whether they still
    require gradients and have none of the filling recorded in the graph.
    """

    def call(work, **inputs):
        target = build(**inputs)
        before = _parameters(target)
        work(target)
        after = _parameters(target)
        return {
            "parameters": after,
            "the same Parameter objects": [after.get(name) is one for name, one in before.items()],
            "trainable leaves": [one.requires_grad and one.is_leaf for one in after.values()],
        }

    return call


def _parameters(target) -> dict[str, torch.Tensor]:
    return dict(target.named_parameters()) if isinstance(target, nn.Module) else {"weight": target}


def module(work, arguments: dict, state: dict, x: torch.Tensor, upstream: torch.Tensor):
    """An nn.Module class: built with `arguments`, loaded with `state`, called on `x`, differentiated.

    Judged are the names in its state_dict and its parameters, its output, and the gradients of
    `(output * upstream).sum()` in `x` and in every parameter.
    """
    made = work(**arguments).to(x.dtype)
    names = {
        "state_dict": list(made.state_dict()),
        "parameters": [name for name, _ in made.named_parameters()],
    }
    made.load_state_dict(state)
    found = gradients(made, upstream, x=x)
    found["gradient"].update({name: one.grad for name, one in made.named_parameters()})
    return {**names, **found}


def training(build: Callable) -> Callable:
    """A training step or epoch on `build(**inputs)`, a tuple of the model and the other arguments.

    Judged are what it returns and the model's state_dict afterwards.
    """

    def call(work, **inputs):
        model, *others = build(**inputs)
        returned = work(model, *others)
        return {"returned": returned, "weights": model.state_dict()}

    return call


def answer(work, question: str):
    """An answer to a question, as its digest, so that the description of the question does not give it away."""
    if work is None:
        return None
    return work if str(work).startswith("sha256:") else digest(question, work)


def digest(question: str, answer) -> str:
    """The digest that stands for `answer` to `question`; capitals and surrounding blanks do not count."""
    text = f"{question}:{str(answer).strip().lower()}"
    return "sha256:" + hashlib.sha256(text.encode()).hexdigest()[:16]
