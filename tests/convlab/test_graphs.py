"""A captured step is the step itself, without Python, and capturing it does nothing."""

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from convlab import graphs

OPTIMISERS = {
    "SGD": lambda parameters: torch.optim.SGD(parameters, lr=0.1),
    "SGD, grouped operations": lambda parameters: torch.optim.SGD(parameters, lr=0.1, momentum=0.9, foreach=True),
    "Nesterov": lambda parameters: torch.optim.SGD(parameters, lr=0.1, momentum=0.9, nesterov=True),
    "Adam in one operation": lambda parameters: torch.optim.Adam(parameters, lr=0.01, fused=True),
}


class Training:
    """A small network with everything that a step can change: weights, batch statistics, an optimiser's memory."""

    def __init__(self, optimiser="SGD"):
        torch.manual_seed(0)
        features = nn.Conv2d(1, 4, 3, padding=1), nn.BatchNorm2d(4), nn.ReLU(), nn.MaxPool2d(2)
        self.model = nn.Sequential(*features, nn.Flatten(), nn.Linear(4 * 4 * 3, 10)).double()
        self.opt = OPTIMISERS[optimiser](self.model.parameters())
        self.calls = 0

    def step(self, images, labels):
        self.calls += 1
        self.opt.zero_grad()
        loss = F.cross_entropy(self.model(images), labels)
        loss.backward()
        self.opt.step()
        return loss.detach()

    def numbers(self):
        memory = [one for state in self.opt.state.values() for one in state.values() if one is not None]
        return [one.clone() for one in (*self.model.state_dict().values(), *memory)]


def batches(count):
    generator = torch.Generator().manual_seed(1)
    return [
        (
            torch.randn(6, 1, 8, 6, dtype=torch.float64, generator=generator),
            torch.randint(10, (6,), generator=generator),
        )
        for _ in range(count)
    ]


@pytest.mark.parametrize("optimiser", OPTIMISERS)
def test_replays_train_exactly_as_steps_do(optimiser):
    first, *others = batches(6)
    eager, captured = Training(optimiser), Training(optimiser)
    losses = [eager.step(*batch).item() for batch in (first, *others)]

    images, labels = (one.clone() for one in first)
    replayed = [captured.step(images, labels).item()]
    graph = graphs.graph("cpu")
    before = captured.numbers()
    with graph.capture():
        loss = captured.step(images, labels)
    assert all(map(torch.equal, captured.numbers(), before))
    assert loss == 0
    for batch in others:
        images.copy_(batch[0])
        labels.copy_(batch[1])
        graph.replay()
        replayed.append(loss.item())

    assert replayed == losses
    assert all(map(torch.equal, captured.numbers(), eager.numbers()))
    assert captured.calls == 2


def test_memory_is_noted_not_the_tensor():
    x = torch.ones(3)
    graph = graphs.graph("cpu")
    with graph.capture():
        y = x + 1
    noted, x.data = x.detach(), torch.full((3,), 7.0)
    graph.replay()
    assert y.tolist() == [2, 2, 2]
    noted.fill_(5)
    graph.replay()
    assert y.tolist() == [6, 6, 6]


def test_a_learning_rate_stays_as_captured():
    (batch,) = batches(1)
    eager, captured = Training(), Training()
    graph = graphs.graph("cpu")
    with graph.capture():
        captured.step(*batch)
    captured.opt.param_groups[0]["lr"] = 0.0
    graph.replay()
    eager.step(*batch)
    assert all(map(torch.equal, captured.numbers(), eager.numbers()))


def test_what_a_cuda_graph_refuses_is_refused():
    x, graph = torch.ones(1), graphs.graph("cpu")
    with pytest.raises(RuntimeError, match="nothing to replay"):
        graph.replay()
    with pytest.raises(RuntimeError, match="no number can be read"), graphs.graph("cpu").capture():
        (x + 1).item()
    with graph.capture():
        x.add_(1)
    with pytest.raises(RuntimeError, match="holds a capture already"), graph.capture():
        x.add_(1)
    assert x.item() == 1


def test_a_gpu_gets_a_cuda_graph(monkeypatch):
    monkeypatch.setattr(graphs, "CudaGraph", lambda: "CUDA's own")
    assert graphs.graph("cuda:0") == "CUDA's own"
