"""Networks as plain data, and answers that are neither right nor a misconception."""

import pickle

import pytest
import torch
from torch import nn

from convlab.checks import building_cnns
from convlab.checks.exercise import Exercise
from convlab.checks.networks import network
from convlab.checks.plain import Raised

EXERCISES = [one for one in vars(building_cnns).values() if isinstance(one, Exercise) and one.reveal]


@pytest.mark.parametrize("exercise", EXERCISES, ids=lambda exercise: exercise.name)
def test_cases_and_outcomes_are_plain_data_that_can_travel(exercise, is_plain):
    for case in exercise.draw(11):
        assert is_plain(case.inputs)
        outcome = exercise.run(exercise.reference, pickle.loads(pickle.dumps(case)))
        assert not isinstance(outcome.value, Raised), outcome.value
        assert is_plain(outcome.value)


def test_images_are_not_square_and_batches_vary():
    inputs = [case.inputs["x"] for case in building_cnns.trace_shapes.draw(0)]
    assert {len(x) for x in inputs} == {1, 2, 3}
    assert all(x.shape[2] != x.shape[3] for x in inputs)


@pytest.mark.parametrize("seed", range(10))
def test_measured_field_is_the_computed_one_where_layers_follow_each_other(seed):
    for case in building_cnns.measure_receptive_field.draw(seed):
        if "added" not in case.aspect:
            net = network(case.inputs["init"], case.inputs["forward"])
            computed = building_cnns._layers_added_up(net, case.inputs["shape"])
            assert building_cnns.measure_receptive_field.expected(case)["size"] == computed


def test_an_error_in_a_cases_network_points_to_the_students_line():
    case = building_cnns.trace_shapes.draw(0)[0]
    outcome = building_cnns.trace_shapes.run(hands_on_too_few_channels, case)
    assert outcome.value.line.endswith("model(x[:, :0])")


def hands_on_too_few_channels(model, x):
    model(x[:, :0])


def a_hook_stays_for_all(model, x):
    nn.modules.module.register_module_forward_hook(lambda *called: None)
    return building_cnns._trace(model, x)


def test_a_global_hook_left_behind_is_noticed_and_taken_away():
    verdict = building_cnns.trace_shapes.check(a_hook_stays_for_all)
    assert verdict.failed == ("the model left as it was",)
    assert not nn.modules.module._global_forward_hooks


def landmark(*end, **norm):
    def build_landmark_cnn(num_classes):
        layers = []
        for i, o in ((3, 32), (32, 64), (64, 128)):
            layers += [nn.Conv2d(i, o, 3, padding=1), nn.BatchNorm2d(o, **norm), nn.ReLU(), nn.MaxPool2d(2)]
        layers += [nn.Flatten(), nn.Linear(2048, 512), nn.ReLU(), *(end or [nn.Dropout(0.5)])]
        return nn.Sequential(*layers, nn.Linear(512, num_classes))

    return build_landmark_cnn


WRONG = {
    "trace_shapes": [
        lambda model, x: [],
        lambda model, x: sorted(building_cnns._trace(model, x)),
        lambda model, x: building_cnns._trace(model, x)[:-1],
        lambda model, x: [(name.split(".")[-1], shape) for name, shape in building_cnns._trace(model, x)],
        lambda model, x: (model.apply(nn.Module.zero_grad), model.double(), building_cnns._trace(model, x))[2],
    ],
    "count_parameters": [
        lambda model: (0, 0),
        lambda model: [*building_cnns._count(model)],
        lambda model: building_cnns._count(model)[:1],
        lambda model: building_cnns._both(dict(model.named_parameters(remove_duplicate=False)).values()),
    ],
    "receptive_field": [
        lambda layers: building_cnns._field(layers)[:2],
        lambda layers: building_cnns._field(layers[::-1]),
        lambda layers: building_cnns._field(layers) if layers else None,
        lambda layers: building_cnns._field(layers, grow=lambda k, s, d, jump: (k + d - 2) * jump),
    ],
    "measure_receptive_field": [
        lambda net, shape: (8, 8),
        lambda net, shape: shape[1:],
        lambda net, shape: building_cnns._measure(net, shape)[:1] * 2,
        lambda net, shape: building_cnns._by_images(net, shape, images=2),
        lambda net, shape: building_cnns._by_images(net, shape, image=torch.zeros),
    ],
    "build_simple_cnn": [
        lambda: nn.Flatten(),
        lambda: nn.Sequential(building_cnns._simple(), nn.Dropout(0.5)),
        lambda: building_cnns._simple(relu=nn.LeakyReLU),
        lambda: building_cnns._simple(padding_mode="reflect"),
        lambda: building_cnns._simple(
            flat=lambda: nn.Sequential(nn.Flatten(2), nn.Unflatten(2, (4, 4)), nn.AvgPool2d(1), nn.Flatten(0, 1))
        ),
    ],
    "build_landmark_cnn": [
        landmark(eps=1e-3),
        landmark(momentum=0.01),
        landmark(affine=False),
        landmark(nn.Dropout(0.4)),
        landmark(nn.AlphaDropout(0.5)),
        landmark(nn.Dropout(0.5), nn.Dropout(0.5)),
    ],
}


@pytest.mark.parametrize(
    ("exercise", "work"),
    [(exercise, work) for exercise in EXERCISES for work in WRONG[exercise.name]],
    ids=lambda value: getattr(value, "name", ""),
)
def test_other_wrong_answers_lose_points(exercise, work):
    assert exercise.check(work, 2).points < exercise.points
