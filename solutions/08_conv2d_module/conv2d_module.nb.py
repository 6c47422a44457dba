# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---

# %% [markdown]
# # 08 · A Conv2d that nobody can tell from PyTorch's
#
# **After this notebook you can**
#
# - say what each argument of `nn.Conv2d` does, also where tutorials are silent;
# - write a module that trains, saves, loads, moves and prints as PyTorch's own do;
# - put your layer into a ready network in place of `nn.Conv2d`, and prove that nothing changed.
#
# **You need** notebooks 02 and 03 (weight shapes, stride, padding, dilation), 05 (fan-in), and Python classes.
#
# **Plan** 60 minutes. Five exercises and three predictions, 29 points, and one question that your teacher reads,
# 3 points.

# %%
import math

import torch
from convlab import figures
from convlab.checks import conv2d_module as check
from convlab.widgets import Conv2dExplorer
from torch import nn
from torch.nn import functional as F
from torchvision.models import resnet18

# %% [markdown]
# ## What is in the box
#
# `F.conv2d` is a function: you bring the weight. `nn.Conv2d` is an object that **owns** its weight.
#
# | argument | what it decides | what many lists leave out |
# |---|---|---|
# | `in_channels`, `out_channels` | weight: (out, in / groups, kH, kW) | not only for images: any stack of maps |
# | `kernel_size`, `stride` | the window and its steps | (height, width) if given as a pair |
# | `padding` | cells added on **each** side | also `"same"` and `"valid"` |
# | `padding_mode` | what the added cells hold | zeros is one choice of four |
# | `dilation` | distance between kernel cells | 1 means *no* gap |
# | `groups` | channels split into separate blocks | must divide in *and* out |
# | `bias` | one number per output channel | shape (out,), not one per pixel |

# %%
layer = nn.Conv2d(4, 6, (2, 3), stride=(2, 1), padding=(0, 1), groups=2)
print(layer)
for name, one in layer.state_dict().items():
    print(name, tuple(one.shape))

# %% [markdown]
# The **state_dict** is what a saved model consists of: names and numbers.
#
# ### Predict
#
# Which names has `nn.Conv2d(4, 6, 3, stride=2, groups=2, bias=False).state_dict()`?
#
# **(a)** weight and bias  **(b)** weight, stride and groups  **(c)** weight, and bias with value None  **(d)** weight

# %% nbgrader={"grade": false, "grade_id": "predicted_keys", "locked": false, "schema_version": 3, "solution": true, "task": false}
predicted_keys = None  # "a", "b", "c" or "d"
### BEGIN SOLUTION
predicted_keys = "d"
### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "check_predicted_keys", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
check.predicted_keys(predicted_keys)

# %% [markdown]
# ## One number or two
#
# The print above shows `kernel_size=(2, 3)`. Had you asked for `3`, it would show `(3, 3)`: pairs inside, whatever
# came from outside.
#
# > **Exercise 1 · `as_pair`** · difficulty 1 of 5 · 3 minutes · 2 points

# %% nbgrader={"grade": false, "grade_id": "as_pair", "locked": false, "schema_version": 3, "solution": true, "task": false}
def as_pair(value):
    """A setting as (height, width).

    Args:
        value: an int, which counts for both axes, or two ints in a tuple or list: height, then width.

    Returns:
        A tuple of two ints.

    Example:
        >>> as_pair(3), as_pair([2, 5])
        ((3, 3), (2, 5))
    """
    ### BEGIN SOLUTION
    return (value, value) if isinstance(value, int) else tuple(value)
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "check_as_pair", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
check.as_pair(as_pair)

# %% [markdown]
# <details><summary>Hint 1: how do I tell the two apart?</summary>
#
# `isinstance(value, int)` is True for 3 and False for (2, 5).
#
# </details>
# <details><summary>Hint 2: "the list … was expected, not …"</summary>
#
# A list and a tuple with the same numbers are not equal in Python. `tuple([2, 5])` makes one into the other.
#
# </details>
# <details><summary>Hint 3: almost the whole answer</summary>
#
# `return (value, value) if ... else tuple(...)`
#
# </details>

# %% [markdown]
# ## Where the padding goes
#
# `F.conv2d` can add zeros, or understand `"same"`. For the other three modes somebody has to call `F.pad` first, and
# `F.pad` counts from the **last** axis: left, right, top, bottom.
#
# ### Predict
#
# `x` has the shape (5, 5). Which shape has `F.pad(x, (1, 0, 2, 2))`?
#
# **(a)** (6, 9)  **(b)** (9, 6)  **(c)** (10, 10)  **(d)** (7, 7)

# %% nbgrader={"grade": false, "grade_id": "predicted_padded", "locked": false, "schema_version": 3, "solution": true, "task": false}
predicted_padded = None  # "a", "b", "c" or "d"
### BEGIN SOLUTION
predicted_padded = "b"
### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "check_predicted_padded", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
check.predicted_padded(predicted_padded)

# %% [markdown]
# Now `"same"`. A kernel of 2 × 5 needs one more row and four more columns. Four columns are two on each side. One
# row cannot be halved: PyTorch adds it at the **bottom** (and an odd column on the **right**).

# %%
x = torch.tensor([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]])
figures.grids(
    {"x": x, "F.pad(x, (2, 2, 0, 1))": F.pad(x, (2, 2, 0, 1))},
    windows={"F.pad(x, (2, 2, 0, 1))": (0, 2, 2, 3)},
    alt="Left, x with 2 rows and 3 columns, 1 2 3 over 4 5 6. Right, the same numbers, outlined, in a grid of 3 rows "
    "and 7 columns: two columns of zeros on the left, two on the right, none on top, one row of zeros at the bottom.",
)

# %% [markdown]
# > **Exercise 2 · `pad_widths`** · difficulty 3 of 5 · 10 minutes · 4 points
#
# A kernel with dilation d reaches over `d * (k - 1) + 1` cells (notebook 03), so `"same"` adds `d * (k - 1)` in all.

# %% nbgrader={"grade": false, "grade_id": "pad_widths", "locked": false, "schema_version": 3, "solution": true, "task": false}
def pad_widths(padding, kernel_size, dilation):
    """How many cells to add on each side, in the order in which F.pad wants them.

    Args:
        padding: "same", "valid" (no padding), or a pair of ints: cells on each side, (height, width).
        kernel_size, dilation: pairs of ints, (height, width).

    Returns:
        A tuple of four ints, (left, right, top, bottom). Where "same" needs an odd number of cells, the
        odd one is on the right or at the bottom.

    Example:
        >>> pad_widths("same", (2, 5), (1, 1)), pad_widths((1, 0), (3, 3), (1, 1))
        ((2, 2, 0, 1), (0, 0, 1, 1))
    """
    ### BEGIN SOLUTION
    if padding == "valid":
        padding = (0, 0)
    if padding == "same":
        rows, columns = (d * (k - 1) for d, k in zip(dilation, kernel_size, strict=True))
        return columns // 2, columns - columns // 2, rows // 2, rows - rows // 2
    rows, columns = padding
    return columns, columns, rows, rows
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "check_pad_widths", "locked": true, "points": 4, "schema_version": 3, "solution": false, "task": false}
check.pad_widths(pad_widths)

# %% [markdown]
# <details><summary>Hint 1: three cases</summary>
#
# The two strings first, then the pair. `"valid"` is the pair (0, 0).
#
# </details>
# <details><summary>Hint 2: only 'same' fails</summary>
#
# Do one axis at a time. `total = d * (k - 1)`. One side gets `total // 2`. What is left for the other?
#
# </details>
# <details><summary>Hint 3: "[0] … was expected" although all numbers are there</summary>
#
# The order: `columns` before `rows`. `return columns // 2, columns - columns // 2, rows // 2, ...`
#
# </details>

# %% [markdown]
# ## How a layer begins
#
# `nn.Conv2d` fills its weight by `kaiming_uniform_` with `a=math.sqrt(5)`. That looks deep. Put it through the formula
# of notebook 05: the gain is $\sqrt{2 / (1 + 5)} = \sqrt{1/3}$, the bound $\sqrt{3} \cdot \text{gain} /
# \sqrt{\text{fan-in}}$, so every number is drawn with equal chances from
#
# $$-\frac{1}{\sqrt{\text{fan-in}}} \quad\text{to}\quad \frac{1}{\sqrt{\text{fan-in}}}$$
#
# and the bias as well, with the *weight's* fan-in.
#
# > **Exercise 3 · `init_uniform_`** · difficulty 2 of 5 · 10 minutes · 4 points

# %% nbgrader={"grade": false, "grade_id": "init_uniform_", "locked": false, "schema_version": 3, "solution": true, "task": false}
def init_uniform_(weight, bias):
    """Fill a layer's Parameters in place, as nn.Conv2d does: uniform between -b and b, b = 1 / sqrt(fan-in).

    The fan-in is how many products one output adds up. Random numbers come from torch's own generator.

    Args:
        weight: a Parameter, which is a tensor, of shape (out_channels, in_channels // groups, kH, kW).
        bias: a Parameter of shape (out_channels,), or None.

    Example:
        >>> weight, bias = nn.Parameter(torch.zeros(50, 3, 2, 2)), nn.Parameter(torch.zeros(50))
        >>> init_uniform_(weight, bias)
        >>> round(weight.abs().max().item(), 2)  # 1 / sqrt(12)
        0.29
    """
    ### BEGIN SOLUTION
    bound = 1 / math.sqrt(weight[0].numel())
    nn.init.uniform_(weight, -bound, bound)
    if bias is not None:
        nn.init.uniform_(bias, -bound, bound)
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "check_init_uniform_", "locked": true, "points": 4, "schema_version": 3, "solution": false, "task": false}
check.init_uniform_(init_uniform_)

# %% [markdown]
# <details><summary>Hint 1: the fan-in</summary>
#
# One output is made by one filter, `weight[0]`. It adds up one product for each of the filter's numbers.
#
# </details>
# <details><summary>Hint 2: "a leaf Variable that requires grad is being used in an in-place operation"</summary>
#
# Autograd refuses to have a Parameter overwritten on its tape. Work inside `with torch.no_grad():`, or use
# `nn.init.uniform_(tensor, low, high)`.
#
# </details>
# <details><summary>Hint 3: "no bias" fails</summary>
#
# `bias` can be None: `if bias is not None:` before you fill it.
#
# </details>
#
# Can one tell? Draw the weights a hundred times, from a hundred seeds, in your way and in PyTorch's.

# %%
shape = (12, 3, 2, 2)
yours, theirs = torch.zeros(100, *shape), torch.zeros(100, *shape)
for seed in range(100):
    torch.manual_seed(seed)
    init_uniform_(yours[seed], None)
    torch.manual_seed(1000 + seed)
    theirs[seed] = nn.Conv2d(3, 12, 2).weight.detach()
figures.laws(
    {"init_uniform_": yours, "nn.Conv2d": theirs, "fan-out for fan-in": (2 * torch.rand(14_400) - 1) / 48**0.5},
    bound=1 / 12**0.5,
    alt="Three histograms of initial weights. Yours and nn.Conv2d's lie on each other, flat from -0.29 to 0.29. "
    "A layer initialised with the fan-out is flat too, but twice as high and only half as wide.",
)

# %% [markdown]
# One sample from a narrower law would not look suspicious. A hundred seeds and `in != out` do. Your check compares
# just so: the largest magnitude, and the whole distribution.
#
# ## What a module owes PyTorch
#
# - **Parameters**: what is learned is an `nn.Parameter`. Assigned to `self`, it is *registered*: `parameters()` lists
#   it for the optimiser.
# - **state_dict**: its names are a contract. `weight` and `bias` here, no more and no less, or saved models do not load.
# - **`to()`**, `double()`, `cuda()`: they move what is registered, and nothing else.
# - **`train()` and `eval()`**: they set a flag, `self.training`, in every submodule. Dropout reads it; a convolution
#   need not.
# - **repr**: `extra_repr` returns what stands between the brackets.
#
# ### Predict
#
# A module holds three tensors: `a`, a plain tensor; `b`, an `nn.Parameter`; `c`, registered with `register_buffer`.
# After `.double()`, which are float64?
#
# **(a)** all three  **(b)** only `b`  **(c)** `b` and `c`  **(d)** none

# %% nbgrader={"grade": false, "grade_id": "predicted_double", "locked": false, "schema_version": 3, "solution": true, "task": false}
predicted_double = None  # "a", "b", "c" or "d"
### BEGIN SOLUTION
predicted_double = "c"
### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "check_predicted_double", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
check.predicted_double(predicted_double)


# %%
class Three(nn.Module):
    def __init__(self):
        super().__init__()
        self.a = torch.ones(2, requires_grad=True)
        self.b = nn.Parameter(torch.ones(2))
        self.register_buffer("c", torch.ones(2))


three = Three().double()
print("float64:   ", [name for name in "abc" if getattr(three, name).dtype == torch.float64])
print("state_dict:", list(three.state_dict()))
print("trained:   ", [name for name, _ in three.named_parameters()])

# %% [markdown]
# > **Exercise 4 · `Conv2d`** · difficulty 4 of 5 · 25 minutes · 12 points
#
# Now build it. `F.conv2d` and `F.pad` may be used, `nn.Conv2d` may not. Six aspects, two points each, so check
# after every step:
#
# 1. `__init__`: the settings, the Parameters, your `init_uniform_`;
# 2. `forward` for zeros, then for the other padding modes;
# 3. `extra_repr`;
# 4. back to `__init__`: refuse what cannot work.

# %% nbgrader={"grade": false, "grade_id": "Conv2d", "locked": false, "schema_version": 3, "solution": true, "task": false}
class Conv2d(nn.Module):
    """A convolution layer that behaves as nn.Conv2d does.

    Args:
        in_channels, out_channels: ints, each divisible by groups.
        kernel_size, stride, dilation: an int, or a pair of ints (height, width); kept as pairs.
        padding: likewise, or "same" or "valid", which are kept as they are.
        groups: a positive int.
        bias: whether there is one; without, `self.bias` is None and no key of the state_dict.
        padding_mode: "zeros", "reflect", "replicate" or "circular".

    All of them but bias are kept as attributes of the same names. The Parameters are weight, of shape
    (out_channels, in_channels // groups, kH, kW), and bias, of shape (out_channels,).

    Raises:
        ValueError: groups is not positive, or does not divide in_channels and out_channels; padding or
            padding_mode is another string; padding is "same" and a stride is not 1.

    Example:
        >>> layer = Conv2d(4, 6, (2, 3), padding="same", groups=2, bias=False)
        >>> layer
        Conv2d(4, 6, kernel_size=(2, 3), stride=(1, 1), padding=same, groups=2, bias=False)
        >>> layer(torch.ones(4, 5, 7)).shape
        torch.Size([6, 5, 7])
    """

    def __init__(
        self,
        in_channels,
        out_channels,
        kernel_size,
        stride=1,
        padding=0,
        dilation=1,
        groups=1,
        bias=True,
        padding_mode="zeros",
    ):
        super().__init__()
        ### BEGIN SOLUTION
        if groups <= 0 or in_channels % groups or out_channels % groups:
            raise ValueError(f"groups={groups} must divide {in_channels} and {out_channels}")
        if padding_mode not in ("zeros", "reflect", "replicate", "circular"):
            raise ValueError(f"no such padding_mode: {padding_mode!r}")
        if isinstance(padding, str) and padding not in ("same", "valid"):
            raise ValueError(f"no such padding: {padding!r}")
        if padding == "same" and any(step != 1 for step in as_pair(stride)):
            raise ValueError("with a stride the output cannot have the same size")
        self.in_channels = in_channels
        self.out_channels = out_channels
        self.kernel_size = as_pair(kernel_size)
        self.stride = as_pair(stride)
        self.padding = padding if isinstance(padding, str) else as_pair(padding)
        self.dilation = as_pair(dilation)
        self.groups = groups
        self.padding_mode = padding_mode
        self.weight = nn.Parameter(torch.empty(out_channels, in_channels // groups, *self.kernel_size))
        self.register_parameter("bias", nn.Parameter(torch.empty(out_channels)) if bias else None)
        init_uniform_(self.weight, self.bias)
        ### END SOLUTION

    def forward(self, x):
        """The layer's output.

        Args:
            x: the input, of shape (N, in_channels, H, W) or, unbatched, (in_channels, H, W).

        Returns:
            A tensor of shape (N, out_channels, H', W') or (out_channels, H', W').
        """
        ### BEGIN SOLUTION
        padding = self.padding
        if self.padding_mode != "zeros":
            widths = pad_widths(padding, self.kernel_size, self.dilation)
            x, padding = F.pad(x, widths, mode=self.padding_mode), 0
        return F.conv2d(x, self.weight, self.bias, self.stride, padding, self.dilation, self.groups)
        ### END SOLUTION

    def extra_repr(self):
        """What repr() shows between the brackets, a str.

        Always the channels, kernel_size and stride. Then, each only where it is not its default: padding,
        dilation, groups, bias=False, padding_mode.
        """
        ### BEGIN SOLUTION
        text = f"{self.in_channels}, {self.out_channels}, kernel_size={self.kernel_size}, stride={self.stride}"
        if self.padding != (0, 0):
            text += f", padding={self.padding}"
        if self.dilation != (1, 1):
            text += f", dilation={self.dilation}"
        if self.groups != 1:
            text += f", groups={self.groups}"
        if self.bias is None:
            text += ", bias=False"
        if self.padding_mode != "zeros":
            text += f", padding_mode={self.padding_mode}"
        return text
        ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "check_Conv2d", "locked": true, "points": 12, "schema_version": 3, "solution": false, "task": false}
check.Conv2d(Conv2d)

# %% [markdown]
# <details><summary>Hint 1: what goes into __init__?</summary>
#
# One line for each setting, `self.stride = as_pair(stride)` and so on. A padding string stays a string. Then
# `self.weight = nn.Parameter(torch.empty(...))`, the bias, and `init_uniform_(self.weight, self.bias)`.
#
# </details>
# <details><summary>Hint 2: "Unexpected key(s) in state_dict", or "Missing key(s)"</summary>
#
# A missing key: is it an `nn.Parameter`, and assigned to `self`? Without bias: `self.register_parameter("bias", None)`.
# A key too many: plain attributes for settings, no buffers.
#
# </details>
# <details><summary>Hint 3: only the padding modes fail</summary>
#
# If the mode is not "zeros": `x = F.pad(x, pad_widths(...), mode=self.padding_mode)`, and F.conv2d must not pad again.
#
# </details>

# %% [markdown]
# ## Which number is the height's?
#
# A tuple the wrong way round is this class's favourite mistake, and square inputs hide it. The layer below has stride
# (2, 1) and padding (0, 1). Which way does the window leap, and which sides have zeros? Point at the outputs, then
# swap the two strides. How does the output's shape change?

# %%
torch.manual_seed(0)
small = Conv2d(1, 1, (2, 3), stride=(2, 1), padding=(0, 1), bias=False)
image = torch.arange(24.0).reshape(1, 4, 6)
explorer = Conv2dExplorer(image, small.weight, stride=small.stride, padding=small.padding)
print("shape:", tuple(small(image).shape), " as the explorer says:", torch.allclose(explorer.output, small(image)))
explorer

# %% [markdown]
# ## The same numbers in another layer
#
# A tutorial gives a second layer the first one's filter by `conv2.weight.data = conv1.weight.data`. No number is copied
# there: both layers now use **one piece of memory**. Train one, and the other changes.
#
# > **Exercise 5 · `copy_from`** · difficulty 2 of 5 · 7 minutes · 4 points

# %% nbgrader={"grade": false, "grade_id": "copy_from", "locked": false, "schema_version": 3, "solution": true, "task": false}
def copy_from(conv):
    """A Conv2d of this notebook that does what `conv` does, and shares nothing with it.

    Args:
        conv: an nn.Conv2d. Its weight is a tensor of shape (out_channels, in_channels // groups, kH, kW).
            It is left as it is.

    Returns:
        A Conv2d with the same settings, the same numbers in Parameters of its own, the same dtype and
        device, and the same training flag.

    Example:
        >>> copy_from(nn.Conv2d(2, 3, 5, bias=False).eval())
        Conv2d(2, 3, kernel_size=(5, 5), stride=(1, 1), bias=False)
    """
    ### BEGIN SOLUTION
    made = Conv2d(
        conv.in_channels,
        conv.out_channels,
        conv.kernel_size,
        conv.stride,
        conv.padding,
        conv.dilation,
        conv.groups,
        conv.bias is not None,
        conv.padding_mode,
    )
    made.to(conv.weight).train(conv.training).load_state_dict(conv.state_dict())
    return made
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "check_copy_from", "locked": true, "points": 4, "schema_version": 3, "solution": false, "task": false}
check.copy_from(copy_from)

# %% [markdown]
# <details><summary>Hint 1: two steps</summary>
#
# Settings go through the constructor, numbers through the state_dict. Only numbers are in a state_dict.
#
# </details>
# <details><summary>Hint 2: "Missing key(s) in state_dict: "bias""</summary>
#
# The original has no bias, your copy has. Pass `bias=conv.bias is not None`.
#
# </details>
# <details><summary>Hint 3: "float64 and eval mode" fails</summary>
#
# Before you load: `made.to(conv.weight)` takes over dtype and device, `made.train(conv.training)` the flag.
#
# </details>
#
# ## Into a ready network
#
# ResNet-18 has twenty convolutions. Replace every one, then compare the outputs, and the gradient of every Parameter.

# %%
def swap(module):
    for name, child in module.named_children():
        if isinstance(child, nn.Conv2d):
            setattr(module, name, copy_from(child))
        else:
            swap(child)


def run(network, photo):
    network.zero_grad()
    output = network(photo)
    output.square().sum().backward()
    return output, [one.grad.clone() for one in network.parameters()]


# %%
network, photo = resnet18(weights=None).eval(), torch.rand(2, 3, 64, 64)
saved = network.state_dict()
output, gradients = run(network, photo)
swap(network)
new_output, new_gradients = run(network, photo)
print("layers of yours:    ", sum(type(one) is Conv2d for one in network.modules()))
print("outputs unchanged:  ", torch.equal(output, new_output))
print("gradients unchanged:", all(map(torch.allclose, gradients, new_gradients)))
print(network.layer2[0].conv1)

# %% [markdown]
# A saved model goes both ways: yours loads what PyTorch's saved, and the reverse.

# %%
print(network.load_state_dict(saved))
print(resnet18(weights=None).load_state_dict(network.state_dict()))

# %% [markdown]
# ### For your teacher · 3 points
#
# A classmate writes `self.weight = torch.randn(8, 3, 3, 3, requires_grad=True)` in a module's `__init__`. The forward
# pass is right, and `backward()` fills `weight.grad`. Name three things that go wrong all the same, and say how each
# would show itself.

# %% [markdown] nbgrader={"grade": true, "grade_id": "plain_weight", "locked": false, "points": 3, "schema_version": 3, "solution": true, "task": false}
# A plain tensor is not registered. (1) `parameters()` leaves it out, so an optimiser never moves it: the loss stays
# high while the gradient is there. (2) `state_dict()` leaves it out, so it is not saved: after loading, the model
# answers at random. (3) `.to("cuda")` and `.double()` leave it behind: the next call stops with an error about devices or
# dtypes. (Also: its spread of 1 ignores the fan-in.) One point each, with its symptom.

# %% [markdown]
# ## What did we learn?
#
# - A layer is settings plus **Parameters**. Settings go through the constructor, numbers through the **state_dict**.
# - Only what is **registered** is trained, saved and moved.
# - `bias=False` means no bias at all: `register_parameter("bias", None)`.
# - Pairs are **(height, width)**; `F.pad` alone starts with the width.
# - PyTorch's start is **uniform within 1 / √fan-in**. Test it with in ≠ out and many seeds.
# - **Copy** numbers; a second name for the same memory is no copy.
#
# **Explain it to someone:** why can you load a friend's `state_dict` into your class, though your friend's program never
# heard of it?
#
# **Next:** 09, grouped convolutions. What does `groups` save, and what does it cost?
