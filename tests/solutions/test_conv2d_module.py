"""The Conv2d of notebook 08 on every conv2d input and error input that torch's own tests have."""

import pytest
import torch
from torch import nn
from torch.testing._internal.common_methods_invocations import op_db
from torch.testing._internal.common_modules import module_db

(OP,) = (op for op in op_db if op.name == "nn.functional.conv2d")
(MODULE,) = (module for module in module_db if module.module_cls is nn.Conv2d)
DTYPES = sorted(OP.dtypes, key=str)
SAMPLES = [(dtype, sample) for dtype in DTYPES for sample in OP.sample_inputs("cpu", dtype)]
ERRORS = list(OP.error_inputs("cpu"))
MODULES = MODULE.module_inputs_func(MODULE, device="cpu", dtype=torch.float64, requires_grad=True, training=True)


@pytest.fixture(scope="module")
def conv2d(solutions):
    return solutions["conv2d_module"]["Conv2d"]


def loaded(kind, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    """The module that calls F.conv2d with these arguments."""
    out_channels, channels, *kernel_size = weight.shape
    made = kind(
        channels * groups,
        out_channels,
        tuple(kernel_size),
        stride=stride,
        padding=padding,
        dilation=dilation,
        groups=groups,
        bias=bias is not None,
    )
    for name, value in {"weight": weight, "bias": bias}.items():
        if value is not None:
            setattr(made, name, nn.Parameter(value.clone(), requires_grad=differentiable(value)))
    return made


def differentiable(x):
    return x.is_floating_point() or x.is_complex()


def differentiated(made, x):
    """The module's output on x, and its gradients for a random upstream gradient (none for whole numbers)."""
    x = x.detach().clone().requires_grad_(differentiable(x))
    out = made(x)
    if not out.requires_grad:
        return [out]
    upstream = torch.randn(out.shape, generator=torch.Generator().manual_seed(0), dtype=out.dtype)
    return [out, *torch.autograd.grad(out, [x, *made.parameters()], upstream)]


def raised(function):
    """The type of the error that function() raises, None where it raises none."""
    try:
        function()
    except Exception as error:
        return type(error)
    return None


def test_torch_has_inputs_of_each_kind():
    assert len(SAMPLES) >= 30 * len(DTYPES) >= 210
    assert len(ERRORS) >= 10
    assert len(MODULES) >= 4
    assert MODULE.module_error_inputs_func is None, "torch has error inputs for nn.Conv2d now: test them here"


@pytest.mark.parametrize(("dtype", "sample"), SAMPLES, ids=lambda value: str(value) if value in DTYPES else "")
def test_sample_inputs(conv2d, dtype, sample):
    made = loaded(conv2d, *sample.args, **sample.kwargs)
    library = loaded(nn.Conv2d, *sample.args, **sample.kwargs)
    torch.testing.assert_close(differentiated(made, sample.input), differentiated(library, sample.input))
    torch.testing.assert_close(made(sample.input), OP(sample.input, *sample.args, **sample.kwargs))


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: error.error_regex.replace(" ", "-"))
def test_error_inputs(conv2d, error):
    sample = error.sample_input

    def call(kind):
        return raised(lambda: loaded(kind, *sample.args, **sample.kwargs)(sample.input))

    assert raised(lambda: OP(sample.input, *sample.args, **sample.kwargs)) is error.error_type
    assert call(conv2d) is call(nn.Conv2d) is not None


@pytest.mark.parametrize("given", MODULES, ids=lambda given: given.desc)
@pytest.mark.parametrize("padding_mode", ["zeros", "reflect", "replicate", "circular"])
def test_module_inputs(conv2d, given, padding_mode):
    arguments, keywords = given.constructor_input.args, given.constructor_input.kwargs
    keywords = {**keywords, "padding_mode": padding_mode}
    made, library = (kind(*arguments, **keywords).double() for kind in (conv2d, nn.Conv2d))
    made.load_state_dict(library.state_dict())
    (x,) = given.forward_input.args
    torch.testing.assert_close(differentiated(made, x), differentiated(library, x))
    if given.reference_fn:
        torch.testing.assert_close(made(x), given.reference_fn(made, x))
    assert repr(made) == repr(library)
