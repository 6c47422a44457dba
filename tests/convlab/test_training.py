"""How much is trained where, and the broken trainers of notebook 11."""

import statistics

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from convlab import bugs, training


@pytest.fixture
def no_grading(monkeypatch):
    monkeypatch.delenv("NBGRADER_EXECUTION", raising=False)


def test_a_gpu_gets_fifteen_epochs_and_a_cpu_one(monkeypatch, no_grading):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    assert training.budget() == training.Budget("cuda", 60_000, 10_000, 15)
    assert str(training.budget()) == "15 epochs of 60,000 images on cuda"
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert training.budget() == training.Budget("cpu", 60_000, 10_000, 1)
    assert str(training.budget()) == "1 epoch of 60,000 images on cpu"


@pytest.mark.parametrize("value", ["autograde", "validate"])
def test_a_few_hundred_images_are_enough_where_nbgrader_runs_the_notebook(monkeypatch, value):
    monkeypatch.setenv("NBGRADER_EXECUTION", value)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    plan = training.budget()
    assert (plan.device, plan.epochs) == ("cpu", 1)
    assert 100 <= plan.test_images <= plan.images <= 1000


def test_three_layers_has_the_tutorials_shapes_and_four_relus():
    x, shapes = torch.zeros(1, 1, 28, 28), []
    for layer in training.three_layers():
        x = layer(x)
        shapes += [tuple(x.shape[1:])] if isinstance(layer, nn.MaxPool2d | nn.Linear) else []
    assert shapes == [(32, 14, 14), (64, 7, 7), (128, 4, 4), (625,), (10,)]
    assert sum(isinstance(layer, nn.ReLU) for layer in training.three_layers()) == 4


def test_parts_hold_every_batch_once():
    assert list(training.parts(range(7), 3)) == [[0, 1, 2], [3, 4, 5], [6]]
    assert list(training.parts(range(6), 3)) == [[0, 1, 2], [3, 4, 5]]


def test_seconds_ahead_leaves_the_model_alone_and_counts_every_batch(monkeypatch):
    clock = iter([10.0, 13.0])
    monkeypatch.setattr(training.time, "perf_counter", lambda: next(clock))
    model, given = nn.Linear(2, 2), []

    def train_epoch(model, batches, opt):
        given.append(len(batches))
        F.mse_loss(model(torch.ones(1, 2)), torch.zeros(1, 2)).backward()
        opt.step()

    before = model.weight.clone()
    assert training.seconds_ahead(train_epoch, model, list(range(100)), epochs=2) == 3 / 6 * 100 * 2
    assert given == [6, 6]
    assert torch.equal(model.weight, before)


def test_answers_belong_to_their_images_and_need_no_dropout():
    model = nn.Sequential(nn.Dropout(0.5), nn.Flatten(), nn.Linear(4, 3))
    batches = [(torch.rand(n, 1, 2, 2), torch.randint(3, (n,))) for n in (4, 1)]
    images, labels, logits = training.answers(model, batches)
    assert torch.equal(labels, torch.cat([y for _, y in batches]))
    assert torch.allclose(logits, model.eval()(images))
    assert not logits.requires_grad


class Digits:
    """Stands for a torchvision MNIST set: a blot in a place of its own for each class, which can be learned."""

    def __init__(self, count, seed):
        generator = torch.Generator().manual_seed(seed)
        self.targets = torch.randint(10, (count,), generator=generator)
        self.data = torch.randint(80, (count, 28, 28), generator=generator, dtype=torch.uint8)
        for image, label in zip(self.data, self.targets.tolist(), strict=True):
            image[2 * label + 4 : 2 * label + 7, 6 + label : 14 + label] = 255


@pytest.fixture(scope="module")
def charts():
    return bugs.charts(Digits(2000, 0), Digits(1300, 1))


def numbers(chart, row):
    return list(map(float, chart.rows[row].split()))


REPEATED, SIZES = "... the last test three times", "... in batches of 32, 64, 448, 449"
AS_TRAINED, AS_TESTED = "training images, scaled as in training", "training images, through the test code"


def test_the_sound_trainer_learns_and_gives_the_same_number_every_time(charts):
    sound = charts["sound"]
    assert numbers(sound, AS_TRAINED)[0] > 80
    assert numbers(sound, AS_TRAINED) == numbers(sound, AS_TESTED)
    assert len(set(numbers(sound, REPEATED))) == len(set(numbers(sound, SIZES))) == 1


def test_each_fault_shows_its_own_symptom(charts):
    assert len(set(numbers(charts["1"], REPEATED))) > 1
    assert all(len(set(numbers(charts[name], REPEATED))) == 1 for name in "23456")
    assert max(numbers(charts["2"], AS_TRAINED)) < 30
    assert statistics.mean(charts["2"].losses[-20:]) > 2.2
    assert charts["3"].losses == charts["sound"].losses
    assert min(charts["4"].losses) > 1.46
    assert max(charts["5"].losses) > 1.2 * charts["5"].losses[0]
    assert charts["6"].losses == charts["sound"].losses
    assert numbers(charts["6"], AS_TRAINED) == numbers(charts["sound"], AS_TRAINED)


def test_raw_pixels_at_test_hurt_only_because_of_the_biases():
    model = training.three_layers()
    x = torch.rand(20, 1, 28, 28)
    with torch.no_grad():
        for name, one in model.named_parameters():
            if name.endswith("bias"):
                one.zero_()
        assert torch.allclose(255 * model(x), model(255 * x), rtol=1e-4, atol=1e-3)
