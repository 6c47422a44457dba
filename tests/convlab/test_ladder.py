"""The ladder's recipes, on a CPU: that they train, what they count, what is measured and saved."""

import itertools
import json
from dataclasses import replace

import pytest
import torch
from torch.nn import functional as F
from torch.utils.flop_counter import FlopCounterMode

from convlab import ladder, whole_run

STEP_BY_STEP = [name for name, rung in ladder.RUNGS.items() if isinstance(rung.recipe, ladder.StepByStep)]


@pytest.fixture(scope="module")
def digits():
    """600 images to train on and 200 to test on: ten patterns of 4 x 4 fields, under noise."""
    draw = torch.Generator().manual_seed(3)
    fields = torch.randint(2, (10, 4, 4), generator=draw).float()
    patterns = fields.repeat_interleave(7, 1).repeat_interleave(7, 2)
    labels = torch.randint(10, (800,), generator=draw)
    images = (patterns[labels] + 0.3 * torch.randn(800, 28, 28, generator=draw)).clamp(0, 1).mul(255).byte()
    return (images[:600], labels[:600]), (images[600:], labels[600:])


def on_a_cpu(name):
    """A rung with what needs a GPU left out, and one epoch of small batches."""
    return replace(ladder.RUNGS[name].recipe, compiled=False, captured=False, epochs=1, batch_size=20, rate=0.001)


@pytest.mark.parametrize("name", STEP_BY_STEP)
def test_a_rung_learns_and_begins_anew_with_each_seed(digits, name):
    train = on_a_cpu(name)(*digits[0])
    first, second, again = (train(seed)(digits[1][0]).detach() for seed in (1, 2, 1))
    assert (first.argmax(1) == digits[1][1]).float().mean() > 0.9
    assert torch.equal(first, again)
    assert not torch.equal(first, second)


def test_each_rung_changes_what_its_name_says():
    recipes = [ladder.RUNGS[name].recipe for name in STEP_BY_STEP]
    changed = [
        {key for key, value in vars(after).items() if value != vars(before)[key]}
        for before, after in itertools.pairwise(recipes)
    ]
    assert changed == [
        *({"batch_size", "rate"}, {"resident"}, {"channels_last"}, {"bf16"}, {"compiled"}, {"captured"}),
        {"epochs", "rate", "falls"},
    ]


@pytest.mark.parametrize("batches", [ladder._loaded, ladder._looked_up])
def test_an_epoch_has_each_image_once_with_its_own_label(batches):
    images = torch.arange(70, dtype=torch.uint8)[:, None, None].expand(-1, 28, 28)
    labels = torch.arange(70) + 1000
    torch.manual_seed(0)
    stream = batches(images, labels, 16)
    for _ in range(2):
        xs, ys = (torch.cat(column) for column in zip(*(next(stream) for _ in range(4)), strict=True))
        seen = xs.flatten(1)[:, 0] * (255 if xs.is_floating_point() else 1)
        assert torch.equal(seen.round().long(), ys - 1000)
        assert len(set(ys.tolist())) == 64


def test_the_whole_run_learns_and_begins_anew_with_each_seed(digits):
    train = whole_run.recipe(*digits[0], steps=12, batch_size=50)
    with torch.no_grad():
        first, second, again = (train(seed)(digits[1][0]) for seed in (1, 2, 1))
    assert (first.argmax(1) == digits[1][1]).float().mean() > 0.9
    assert torch.equal(first, again)
    assert not torch.equal(first, second)


def test_the_whole_run_refuses_more_images_than_there_are(digits):
    with pytest.raises(ValueError, match="13 steps of 50 images need 650 images, and there are 600"):
        whole_run.recipe(*digits[0], steps=13, batch_size=50)


def test_the_first_layer_of_the_whole_run_is_a_convolution():
    images = torch.randint(256, (3, 28, 28), dtype=torch.uint8)
    weight = torch.randn(4, 1, whole_run.SIDE, whole_run.SIDE, dtype=torch.float64)
    scaled = (images[:, None] / 255 - 0.1307) / 0.3081
    rows = whole_run.windows(images).double()[:, : whole_run.SIDE**2] @ weight.flatten(1).T
    expected = F.conv2d(scaled.double(), weight, stride=whole_run.STRIDE)
    found = rows.view(3, 12, 12, 4).permute(0, 3, 1, 2)
    assert (found - expected).abs().max() < 0.01 * expected.abs().max()  # bfloat16 keeps 8 bits
    assert not whole_run.windows(images)[:, whole_run.SIDE**2 :].any()


def test_adam_of_the_whole_run_is_torchs(digits):
    images, labels = digits[0][0][:30], digits[0][1][:30]
    start = 0.1 * torch.randn(sum(whole_run.SIZES), generator=torch.Generator().manual_seed(0))
    own, momentum, square = start.clone(), torch.zeros_like(start), torch.zeros_like(start)
    parameter = torch.nn.Parameter(start.clone())
    opt = torch.optim.Adam([parameter], lr=0.01, betas=whole_run.BETAS)
    for step in (1, 2, 3):
        corrections = torch.tensor([1 - beta**step for beta in whole_run.BETAS])
        whole_run.adam_step(own, momentum, square, images, labels, 0.01, corrections)
        opt.zero_grad()
        logits, _ = whole_run.network(parameter, images)
        F.cross_entropy(logits, labels, label_smoothing=whole_run.SMOOTHING).backward()
        opt.step()
    moved = (parameter - start).abs() > 0.001
    assert moved.float().mean() > 0.9
    assert ((own - parameter)[moved].abs() < 1e-4).float().mean() > 0.999  # bfloat16 may round a sign away


def test_normalisation_uses_the_statistics_it_is_given(digits):
    weights = 0.1 * torch.randn(sum(whole_run.SIZES), generator=torch.Generator().manual_seed(0))
    images = digits[0][0][:40]
    logits, statistics = whole_run.network(weights, images)
    alone, _ = whole_run.network(weights, images[:1], statistics)
    assert torch.allclose(alone, logits[:1], atol=0.01)
    assert not torch.allclose(whole_run.network(weights, images[:1])[0], logits[:1], atol=0.01)


def test_rates_rise_to_the_peak_and_fall():
    rates = whole_run.rates(100)
    top = rates.index(max(rates))
    assert rates[top] == pytest.approx(whole_run.PEAK)
    assert top == 29
    assert rates[:top] == sorted(rates[:top])
    assert rates[top:] == sorted(rates[top:], reverse=True)
    assert rates[-1] == pytest.approx(0.02 * whole_run.PEAK)


def test_the_work_is_what_torchs_counter_finds():
    images, labels = torch.zeros(4, 28, 28, dtype=torch.uint8), torch.zeros(4, dtype=torch.long)
    weights = torch.randn(sum(whole_run.SIZES), requires_grad=True)
    with FlopCounterMode(display=False) as counter:
        F.cross_entropy(whole_run.network(weights, images)[0], labels).backward()
    filled_up = 2 * 2 * 4 * 12 * 12 * 32 * (whole_run.COLUMNS - whole_run.SIDE**2)
    assert ladder.work(1, 4)[0] == counter.get_total_flops() - filled_up


def test_bytes_grow_with_the_images_and_with_the_steps():
    (_, one), (_, two), (_, steps) = ladder.work(1, 100), ladder.work(1, 200), ladder.work(3, 100)
    assert steps == 3 * one
    numbers = 12 * 12 * 32 + 10 * 10 * 64 + 5 * 5 * 64 + 3 * 3 * 128 + 10
    assert two - one == 100 * numbers * 2 * 5


def test_measure_reports_times_and_accuracies(digits, monkeypatch):
    monkeypatch.setattr(ladder, "digits", lambda train, device: digits[not train])
    asked = []

    def recipe(images, labels):
        assert (len(images), len(labels)) == (600, 600)

        def train(seed):
            asked.append(seed)
            answers = F.one_hot(digits[1][1], 10)
            answers[: 20 * seed] = answers[: 20 * seed].roll(1, 1)
            return lambda images: answers

        return train

    found = ladder.measure(recipe, [0, 1, 3], "cpu")
    assert asked == [0, 1, 3]
    assert found["accuracies"] == [1.0, 0.9, 0.7]
    assert found["accuracy"] == pytest.approx(2.6 / 3)
    assert 0 < found["seconds"] < found["seconds_with_warm_up"]
    assert json.loads(json.dumps(found)) == found


def test_what_is_saved_can_be_ranked(tmp_path, capsys):
    result = {
        "seconds": 0.5,
        "seconds_with_warm_up": 9.0,
        "accuracy": 0.99,
        "accuracies": [0.99],
        "device": "a GPU",
    }
    path = tmp_path / "leaderboard.json"
    ladder.save(" swift ", result, path)
    assert json.loads(path.read_text()) == {"name": "swift"} | result
    assert "swift, 0.5 s, 99.00% on a GPU" in capsys.readouterr().out


@pytest.mark.parametrize("name", ["", "  ", "x" * 41])
def test_a_name_that_does_not_fit_is_refused(tmp_path, name):
    with pytest.raises(ValueError, match="1 to 40 characters"):
        ladder.save(name, {}, tmp_path / "leaderboard.json")
    assert not any(tmp_path.iterdir())


def test_every_recorded_rung_reaches_the_target_and_the_last_is_the_fastest():
    record = ladder.recorded()
    assert [rung["name"] for rung in record["rungs"]] == list(ladder.RUNGS)
    for rung in record["rungs"]:
        assert rung["accuracy"] == pytest.approx(sum(rung["accuracies"]) / len(rung["accuracies"]))
        assert rung["accuracy"] >= ladder.TARGET
        assert 0 < rung["seconds"] < rung["seconds_with_warm_up"]
    assert min(record["rungs"], key=lambda rung: rung["seconds"])["name"] == list(ladder.RUNGS)[-1]
    assert record["floor"] == ladder.floor()
    assert {event["lane"] for event in record["profiles"]["first"]} == {"cpu", "gpu"}
