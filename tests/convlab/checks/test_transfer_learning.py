"""What travels between run and judge, and answers to notebook 12 that no misconception describes."""

import copy
import pickle
from functools import partial

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional as F

from convlab.checks import transfer_learning as checks
from convlab.checks.exercise import Exercise
from convlab.checks.plain import Raised

EXERCISES = [one for one in vars(checks).values() if isinstance(one, Exercise) and one.reveal]


@pytest.mark.parametrize("exercise", EXERCISES, ids=lambda exercise: exercise.name)
def test_cases_and_outcomes_are_plain_data_that_can_travel(exercise, is_plain):
    for case in exercise.draw(11):
        assert is_plain(case.inputs)
        value = exercise.run(exercise.reference, pickle.loads(pickle.dumps(case))).value
        if "ValueError" in case.aspect:
            assert isinstance(value, Raised) and value.type == "ValueError"
        else:
            assert is_plain(value), value


@pytest.mark.parametrize("exercise", EXERCISES, ids=lambda exercise: exercise.name)
def test_judging_needs_nothing_but_what_travelled(exercise):
    for work in (exercise.reference, exercise.misconceptions[0].variant):
        cases = exercise.draw(12)
        outcomes = pickle.loads(pickle.dumps([exercise.run(work, case) for case in cases]))
        verdict = exercise.judge(pickle.loads(pickle.dumps(cases)), outcomes)
        assert verdict.misconception == (None if work is exercise.reference else exercise.misconceptions[0].name)


def test_images_are_not_square_and_networks_differ():
    for exercise, name in ((checks.freeze, "x"), (checks.extract_features, "images")):
        cases = [case for case in exercise.draw(0) if case.aspect != "the worked example"]
        assert all(case.inputs[name].shape[2] != case.inputs[name].shape[3] for case in cases)
        assert {case.inputs[name].dtype for case in cases} == {torch.float32, torch.float64}
    assert len({tuple(case.inputs["init"]) for case in checks.replace_head.draw(0)}) >= 20


def test_gradients_switched_off_by_a_student_are_back_for_the_next():
    checks.freeze.check(lambda model: (checks._freeze(model), torch.set_grad_enabled(False))[0])
    assert torch.is_grad_enabled()


def hidden_trap(then):
    """A right answer to `freeze`, then something more."""
    return lambda model: (checks._freeze(model), then(model), model)[2]


def parameters_to_buffers(model):
    for module in model.modules():
        for name, one in list(module._parameters.items()):
            if one is not None:
                del module._parameters[name]
                module.register_buffer(name, one.detach())


def norms_taken_out(model):
    for module in list(model.modules()):
        for name, child in list(module.named_children()):
            if isinstance(child, nn.BatchNorm2d):
                setattr(module, name, nn.Identity())


def head(make):
    return partial(checks._replace_head, make=make)


def old_bias_kept(old, n):
    new = checks._linear(old, n)
    if old.bias is not None and old.bias.device.type == "cpu":
        new.bias.data[: old.out_features] = old.bias.data[:n]
    return new


def groups_by_module(model, lrs):
    known = {name for name, _ in model.named_modules()}
    return [
        {"params": list(model.get_submodule(name).parameters()), "lr": lrs[name]} for name in lrs if name in known
    ]


def all_at_once_in_two_passes(model, loader):
    images, labels = (torch.cat([batch[i] for batch in loader]) for i in (0, 1))
    return checks._extract(model, [(images, labels)])


def original_frozen(conv):
    return checks._adapt(conv.requires_grad_(False))


def padding_set_afterwards(conv):
    new = checks._adapt(conv, padding=0)
    new.padding = conv.padding
    return new


WRONG = {
    "prepare": [
        lambda images, mean, std: checks._prepare(images, mean, std).half(),
        lambda images, mean, std: checks._prepare(images, (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)),
        lambda images, mean, std: checks._prepare(images, mean, std).numpy(),
        lambda images, mean, std: checks._prepare(images.transpose(2, 3), mean, std),
        lambda images, mean, std: checks._prepare(images, mean, [one + 1e-3 for one in std]),
    ],
    "freeze": [
        hidden_trap(parameters_to_buffers),
        hidden_trap(norms_taken_out),
        hidden_trap(lambda model: [one.zero_() for one in model.parameters()]),
        hidden_trap(lambda model: [child.train() for child in model.children()]),
        lambda model: [child.requires_grad_(False).eval() for child in model.children()] and model,
        lambda model: nn.Sequential(checks._freeze(model)),
    ],
    "replace_head": [
        head(old_bias_kept),
        head(lambda old, n: checks._linear(old, n).requires_grad_(old.weight.requires_grad)),
        head(lambda old, n: nn.Sequential(nn.Dropout(0.5), checks._linear(old, n))),
        head(lambda old, n: checks._linear(old, n + 1)),
        head(lambda old, n: nn.Conv2d(old.in_features, n, 1)),
        partial(checks._replace_head, after=norms_taken_out),
    ],
    "trainable_parameters": [
        lambda model: checks._parameters(model) * 2,
        lambda model: [{"params": checks._parameters(model)}],
        lambda model: [one for one in checks._parameters(model) if one.ndim > 1],
        lambda model: [one for one in model.parameters() if one.is_leaf],
        lambda model: (checks._parameters(model), model.requires_grad_(False))[0],
    ],
    "parameter_groups": [
        groups_by_module,
        partial(checks._groups, message="no prefix fits fc.nothing"),
        partial(checks._groups, group=lambda params, lr: {"params": iter(params), "lr": lr}),
        partial(checks._groups, lr=lambda lrs, prefix: round(lrs[prefix], 3)),
        partial(checks._groups, fits=lambda name, prefix: name.endswith(prefix)),
        lambda model, lrs: checks._groups(model, lrs) if lrs else [],
    ],
    "extract_features": [
        all_at_once_in_two_passes,
        lambda model, loader: (checks._extract(model, loader), checks._extract(model, loader))[1],
        lambda model, loader: [one[one.shape[0] // 2 :] for one in checks._extract(model, loader)],
        lambda model, loader: (one := checks._extract(model, loader)[0], torch.arange(len(one))),
        partial(checks._extract, keep=lambda features: features[:, :3]),
        partial(checks._extract, before=lambda model: setattr(model, "training", False)),
    ],
    "adapt_stem": [
        original_frozen,
        padding_set_afterwards,
        partial(checks._adapt, weight_from=lambda weight: checks._summed(weight).flip(2, 3)),
        partial(checks._adapt, weight_from=lambda weight: weight[:, :2].sum(1, keepdim=True)),
        lambda conv: checks._summed(conv.weight),
        lambda conv: checks._adapt(conv, stride=conv.stride[::-1]),
    ],
}


@pytest.mark.parametrize(
    ("exercise", "work"),
    [(exercise, work) for exercise in EXERCISES for work in WRONG[exercise.name]],
    ids=lambda value: getattr(value, "name", ""),
)
def test_other_wrong_answers_lose_points(exercise, work):
    assert exercise.check(work, 2).points < exercise.points


def prepare_by_numpy(images, mean, std):
    mean, std = (np.array(numbers, np.float32)[:, None, None] for numbers in (mean, std))
    return torch.from_numpy((images.numpy().astype(np.float32) / 255 - mean) / std)


def kept_frozen(model):
    """Also a later model.train() leaves it in eval mode."""
    checks._freeze(model)
    model.train = lambda mode=True: model
    return model


def old_layer_filled_anew(model, n):
    old = model.get_submodule(checks._last_linear(model))
    new = checks._linear(old, n)
    old.weight, old.bias, old.out_features = new.weight, new.bias, n
    return model


def groups_with_more_keys(model, lrs):
    return [{"name": "one", **group, "momentum": 0.9} for group in checks._groups(model, lrs)]


def features_after_a_peek(model, loader):
    next(iter(loader))
    return checks._extract(model, loader)


def features_by_inference_mode(model, loader):
    features, labels = checks._extract(model, loader, no_grad=torch.inference_mode)
    return features.clone(), labels.clone()


ODD = {
    "prepare": [
        prepare_by_numpy,
        lambda images, mean, std: F.batch_norm(images / 255, torch.tensor(mean), torch.tensor(std) ** 2, eps=0),
    ],
    "freeze": [kept_frozen, hidden_trap(lambda model: setattr(model, "requires_grad", False))],
    "replace_head": [
        old_layer_filled_anew,
        head(lambda old, n: checks._linear(old, n).train(old.training)),
    ],
    "trainable_parameters": [
        lambda model: list(dict.fromkeys(one for one in model.parameters() if one.requires_grad)),
        lambda model: list(filter(lambda one: one.requires_grad, model.parameters())),
    ],
    "parameter_groups": [groups_with_more_keys, partial(checks._groups, winners=lambda fitting: [max(fitting)])],
    "extract_features": [
        features_after_a_peek,
        features_by_inference_mode,
        lambda model, loader: list(checks._extract(model, list(loader))),
        lambda model, loader: checks._extract(copy.deepcopy(model), loader),
    ],
    "adapt_stem": [
        partial(checks._adapt, weight_from=lambda weight: 3 * weight.mean(1, keepdim=True)),
        partial(checks._adapt, groups=1, device="cpu"),
    ],
}


@pytest.mark.parametrize(
    ("exercise", "work"),
    [(exercise, work) for exercise in EXERCISES for work in ODD[exercise.name]],
    ids=lambda value: getattr(value, "name", ""),
)
def test_odd_right_answers_get_full_marks(exercise, work):
    for seed in range(5):
        verdict = exercise.check(work, seed)
        assert verdict.points == exercise.points, verdict.text
