"""Plain data crosses as bytes and comes out as it was; what is not plain data does not come in."""

import json
import math

import pytest
import torch

from convlab.checks.compare import close
from convlab.checks.plain import Other, Raised, tensors
from convlab.checks.wire import DTYPES, pack, unpack
from grader.mutants import exercises


@pytest.mark.parametrize(
    "value",
    [
        None,
        True,
        -3,
        2**70,
        0.1,
        math.inf,
        "ünï\n",
        [],
        (),
        {},
        [1, (2, [3.5, None]), {"a": (), "b": {"c": "d"}}],
        Raised("ValueError", "too large", "line 3: x"),
        Other("Module"),
    ],
)
def test_what_is_no_tensor_comes_out_as_it_was(value):
    back = unpack(pack(value))
    assert (back, type(back)) == (value, type(value))


@pytest.mark.parametrize("dtype", DTYPES.values(), ids=str)
def test_tensors_keep_their_type_shape_and_values(dtype):
    given = [torch.arange(6).reshape(2, 3).to(dtype), torch.ones((), dtype=dtype), torch.empty(0, 4, dtype=dtype)]
    for one, other in zip(unpack(pack(given)), given, strict=True):
        assert (one.dtype, one.shape) == (dtype, other.shape)
        assert torch.equal(one, other)


def test_nan_and_infinity_cross():
    given = torch.tensor([math.nan, math.inf, -math.inf])
    assert close(unpack(pack(given)), given) is None
    assert math.isnan(unpack(pack(math.nan)))


def test_every_input_of_the_course_arrives_in_the_layout_that_was_drawn():
    found = 0
    for _, exercise in exercises():
        for case in exercise.draw(1):
            back = unpack(pack(case.inputs))
            assert close(back, case.inputs) is None
            assert list(back) == list(case.inputs)
            for one, other in zip(tensors(back), tensors(case.inputs), strict=True):
                assert one.is_contiguous() == other.is_contiguous()
                found += not one.is_contiguous()
    assert found > 50


def test_what_cannot_cross_is_named():
    assert unpack(pack([torch.ones(2).to_sparse()])) == [Other("Tensor (float32, torch.sparse_coo)")]


def message(node, *numbers):
    return framed(json.dumps(node).encode(), *numbers)


def framed(text, *numbers):
    return b"".join((len(text).to_bytes(4, "big"), text, *numbers))


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"{}",
        b"\x00\x00\x00\x07{}",
        framed(b"\xff"),
        framed(b"{"),
        framed(b'"' + b"x" * 1_000_001 + b'"'),
        framed(b"[" * 100_000),
        message([1]),
        message(1, b"8"),
        message({"tensor": ["float32", [2], None]}, b"123456789"),
        message({"list": [{"tensor": ["float32", [2], None]}] * 2}, b"12345678"),
        message({"list": [1], "tuple": []}),
        message({"tensor": ["float32", [2], None]}),
        message({"tensor": ["float32", [2], None]}, b"1234567"),
        message({"tensor": ["float32", [2]]}, b"12345678"),
        message({"tensor": ["object", [1], None]}, b"12345678"),
        message({"tensor": ["float32", [-1, -2], None]}, b"12345678"),
        message({"tensor": ["float32", [True, 2], None]}, b"12345678"),
        message({"tensor": ["float32", [2.0], None]}, b"12345678"),
        message({"tensor": ["float32", [1 << 62, 1 << 62], None]}, b"12345678"),
        message({"tensor": ["float32", [2], [1 << 40]]}, b"12345678"),
        message({"tensor": ["float32", [2], [1, 1]]}, b"12345678"),
        message({"raised": ["ValueError", 7, ""]}),
        message({"dict": [[1, 2]]}),
        message({"pickle": "gASVBg=="}),
        message({"list": 7}),
    ],
    ids=range(26),
)
def test_what_is_not_plain_data_is_refused(data):
    with pytest.raises(ValueError):
        unpack(data)


def test_deep_structures_are_refused():
    node = 1
    for _ in range(40):
        node = {"list": [node]}
    with pytest.raises(ValueError, match="too deep"):
        unpack(message(node))
