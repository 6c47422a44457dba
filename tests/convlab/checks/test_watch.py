import pytest
import torch
from torch.nn import functional as F

from convlab.checks.backward import OWN_BACKWARD
from convlab.checks.watch import CONVOLUTION, LAYER, watch

X, K = torch.rand(1, 1, 6, 5), torch.rand(1, 1, 3, 2)
ONCE = (1, 1), (0, 0), (1, 1)  # stride, padding, dilation
LEAF = torch.rand(1, 1, 6, 5, requires_grad=True)

WAYS = {
    "conv2d": lambda: F.conv2d(X, K),
    "nn.Conv2d": lambda: torch.nn.Conv2d(1, 1, 3)(X),
    "conv1d": lambda: F.conv1d(X[:, :, 0], K[:, :, 0]),
    "conv_transpose2d": lambda: F.conv_transpose2d(X, K),
    "unfold": lambda: F.unfold(X, 3),
    "ops.aten": lambda: torch.ops.aten.conv2d.default(X, K),
    "_convolution": lambda: torch._convolution(X, K, None, *ONCE, False, (0, 0), 1, False, False, False, False),
    "mkldnn_convolution": lambda: torch.mkldnn_convolution(X, K, None, (0, 0), (1, 1), (1, 1), 1),
    "thnn_conv2d": lambda: torch._C._nn.thnn_conv2d(X, K, K.shape[2:]),
    "slow_conv_dilated2d": lambda: torch._C._nn.slow_conv_dilated2d(X, K, K.shape[2:]),
    "slow_conv3d": lambda: torch._C._nn.slow_conv3d(X[None], K[None], (1, *K.shape[2:])),
    "conv_tbc": lambda: torch.conv_tbc(torch.rand(5, 1, 2), torch.rand(3, 2, 2), torch.rand(2)),
    "vmap": lambda: torch.func.vmap(lambda x: F.conv2d(x, K))(X[None]),
    "grad": lambda: torch.func.grad(lambda x: F.conv2d(x, K).sum())(X),
    "inference_mode": torch.inference_mode()(lambda: F.conv2d(X, K)),
    "scipy": lambda: __import__("scipy.signal").signal.correlate2d(X[0, 0], K[0, 0]),
}


@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)
def test_every_way_to_a_convolution_is_noted_and_gives_what_it_gives_otherwise(way):
    torch.manual_seed(0)
    expected = way()
    torch.manual_seed(0)
    with watch(CONVOLUTION) as seen:
        value = way()
    assert len(seen) == 1 and set(seen) < set(CONVOLUTION.values())
    assert torch.equal(torch.as_tensor(value), torch.as_tensor(expected))
    seen.clear()
    way()
    assert not seen


def test_what_is_not_forbidden_is_not_noted():
    with watch(CONVOLUTION) as seen:
        windows = LEAF.unfold(2, 3, 1).unfold(3, 2, 1)
        torch.einsum("bchwij,ocij->bohw", windows, K).sum().backward()
        F.pad(F.max_pool2d(X, 2), (1, 1)) @ X[..., :4, :3].softmax(-1)
    assert not seen
    with watch(OWN_BACKWARD) as seen:
        F.conv2d(X, K)
    assert not seen


def test_the_backward_pass_is_noted():
    with watch(OWN_BACKWARD) as seen:
        F.conv2d(LEAF, K).sum().backward()
    assert set(seen) == set(OWN_BACKWARD.values())


def test_a_watch_within_another_notes_its_own_and_both_note_what_both_forbid():
    with watch(CONVOLUTION) as outer:
        with watch({**LAYER, "aten.convolution": "inner"}) as inner:
            F.conv2d(X, K)
        F.unfold(X, 3)
    assert list(inner) == ["inner"]
    assert list(outer) == [CONVOLUTION["aten.convolution"], CONVOLUTION["aten.im2col"]]


def test_an_error_passes_through_and_ends_the_watch():
    with pytest.raises(RuntimeError, match="Kernel size can't be greater"), watch(CONVOLUTION) as seen:
        F.conv2d(K, X)
    assert len(seen) == 1
    seen.clear()
    F.conv2d(X, K)
    assert not seen
