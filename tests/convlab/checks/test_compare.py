"""Properties of the comparison: it forgives rounding, and nothing else."""

import torch
from hypothesis import given
from hypothesis import strategies as st

from convlab.checks.compare import close
from convlab.checks.plain import Raised

DTYPES = st.sampled_from([torch.float64, torch.float32, torch.float16, torch.bfloat16, torch.int64, torch.bool])
SHAPES = st.lists(st.integers(1, 4), max_size=3)


@st.composite
def tensors(draw):
    """A tensor with readable values, and the position of one of its elements."""
    shape, dtype, seed = draw(SHAPES), draw(DTYPES), draw(st.integers(0, 999))
    tensor = torch.randint(-9, 9, shape, generator=torch.Generator().manual_seed(seed)).to(dtype)
    return tensor, tuple(draw(st.integers(0, side - 1)) for side in shape)


@given(tensors())
def test_a_tensor_equals_its_copy_whatever_its_layout(drawn):
    tensor, _ = drawn
    assert close(tensor.clone(), tensor) is None
    if tensor.ndim >= 2:
        assert close(tensor.mT.contiguous().mT, tensor) is None


@given(tensors(), st.sampled_from(["one more", "nan", "inf"]))
def test_one_wrong_element_is_seen_and_named(drawn, kind):
    tensor, place = drawn
    wrong = tensor.clone()
    if tensor.dtype == torch.bool:
        wrong[place] = ~wrong[place]
    elif kind == "one more" or not tensor.dtype.is_floating_point:
        wrong[place] += 1
    else:
        wrong[place] = float(kind)
    fault = close(wrong, tensor)
    assert fault.startswith(f"1 of {tensor.numel()} values are wrong")
    assert not tensor.ndim or str(list(place)) in fault


@given(tensors(), DTYPES)
def test_another_dtype_or_shape_is_seen(drawn, dtype):
    tensor, _ = drawn
    assert (close(tensor.to(dtype), tensor) is None) == (dtype == tensor.dtype)
    assert "shape" in close(tensor[None], tensor)


@given(st.sampled_from([torch.float32, torch.float64]), st.integers(0, 999))
def test_rounding_in_another_order_of_summation_is_forgiven(dtype, seed):
    terms = torch.randn(200, 5, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    backwards = sum(reversed(terms.to(dtype).unbind()))
    assert close(backwards, terms.sum(0).to(dtype)) is None


NESTED = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text() | st.floats(allow_nan=False, allow_infinity=False),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
)


@given(NESTED)
def test_plain_data_equals_itself_and_nothing_else(value):
    assert close(value, value) is None
    assert close([value], value) is not None
    assert close({"a": value}, value) is not None
    assert close(Raised("ValueError"), value) is not None
    assert close(value, Raised("ValueError")) is not None


@given(st.integers(-99, 99))
def test_a_whole_number_is_not_a_float_nor_a_bool(number):
    assert close(float(number), number) is not None
    assert close(bool(number), number) is not None
    assert close(torch.tensor(number), number) is not None
    assert close(number, float(number)) is None
    assert close(torch.tensor(float(number)), float(number)) is None


def test_the_place_of_a_difference_in_nested_data_is_named():
    assert close({"gradient": {"x": [1, 2]}}, {"gradient": {"x": [1, 3]}}).startswith("gradient.x[1]: ")
