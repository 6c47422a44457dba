"""The training that notebook 12 and its benchmark share."""

import json
import socket

import pytest
import torch
from torch import nn

from convlab import data, transfer

TWO = torch.tensor([[2.0, 0.0], [0.0, 2.0]])


@pytest.fixture
def points():
    """Two heaps of 30 points each, labels, and a split in which the test labels are swapped."""
    generator = torch.Generator().manual_seed(0)
    y = torch.arange(2).repeat(30)
    x = TWO[y] + 0.1 * torch.randn(60, 2, generator=generator)
    train, test = torch.arange(40), torch.arange(40, 60)
    y[test] = 1 - y[test]
    return x, y, (train, test)


def test_fit_learns_from_the_training_rows_and_measures_on_the_others(points):
    torch.manual_seed(0)
    model = nn.Linear(2, 2)
    losses, accuracies = zip(
        *transfer.fit(model, [{"params": model.parameters(), "lr": 0.1}], *points), strict=True
    )
    assert len(losses) == transfer.EPOCHS == 30
    assert losses[-1] < 0.1 < losses[0]
    assert accuracies[-1] == 0
    x, y, (train, _) = points
    assert next(transfer.fit(model, model.parameters(), x, y, (train, train)))[1] == 1


def test_fit_trains_in_training_mode_and_tests_in_eval_mode_without_augmenting(points):
    seen = []

    class Model(nn.Linear):
        def forward(self, x):
            seen.append((self.training, torch.is_grad_enabled(), len(x), bool((x == 7).all())))
            return super().forward(x)

    model = Model(2, 2)
    next(transfer.fit(model, model.parameters(), *points, augment=lambda x: torch.full_like(x, 7)))
    assert seen == [(True, True, 32, True), (True, True, 8, True), (False, False, 20, False)]


def test_every_group_keeps_its_rate_which_falls_to_a_fiftieth(points, monkeypatch):
    kept, real = [], torch.optim.Adam
    monkeypatch.setattr(torch.optim, "Adam", lambda groups: kept.append(real(groups)) or kept[-1])
    model = nn.Sequential(nn.Linear(2, 3), nn.Linear(3, 2))
    groups = [{"params": model[0].parameters(), "lr": 0.01}, {"params": model[1].parameters(), "lr": 0.1}]
    rates = [[group["lr"] for group in kept[0].param_groups] for _ in transfer.fit(model, groups, *points)]
    assert rates[0] == pytest.approx([0.01, 0.1], rel=0.05)
    assert rates[-1] == pytest.approx([0.0002, 0.002])


def test_mirrored_turns_about_half_of_the_images_left_to_right():
    torch.manual_seed(0)
    images = torch.rand(200, 3, 4, 5)
    turned = transfer.mirrored(images)
    same = (turned == images).all(dim=(1, 2, 3))
    assert torch.equal(turned[~same], images[~same].flip(3))
    assert 70 < same.sum() < 130


def test_where_a_program_marks_the_notebook_nothing_is_downloaded(monkeypatch):
    monkeypatch.setenv("NBGRADER_EXECUTION", "autograde")
    monkeypatch.setattr(socket, "socket", None)
    net, photos = transfer.materials("my_photos")
    assert net.trunk()(torch.zeros(1, 3, 48, 48)).shape == (1, 512)
    assert photos.classes == list(data.TEXTURES)


def test_a_student_gets_a_trained_network_and_the_folder_named(monkeypatch):
    monkeypatch.delenv("NBGRADER_EXECUTION", raising=False)
    monkeypatch.setattr(transfer, "backbone", lambda: "trained")
    monkeypatch.setattr(transfer, "photos", lambda folder: folder)
    assert transfer.materials("my_photos") == ("trained", "my_photos")
    assert transfer.materials() == ("trained", None)


def test_what_was_recorded_never_replaces_what_was_trained_here(capsys):
    curves = transfer.recorded({"frozen": [[0.5]]})
    assert list(curves) == list(transfer.WAYS)
    assert curves["frozen"] == [[0.5]]
    for way in list(transfer.WAYS)[1:]:
        runs = torch.tensor(curves[way])
        assert runs.shape == (transfer.SEEDS, transfer.EPOCHS)
        assert 0 <= runs.min() <= runs.max() <= 1
    kept, said = json.loads(transfer.RECORDED.read_text()), capsys.readouterr().out
    assert "Here is no GPU" in said and all(kept[name] in said for name in ("backbone", "device", "date"))
    assert "frozen" not in said and "from scratch" in said
