# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---

# %% [markdown]
# # 02 · Channels and batches
#
# **After this notebook you can**
#
# - explain why a colour image needs a kernel with a depth, and compute a cell of its output by hand;
# - read a weight of shape `(out_channels, in_channels, kH, kW)` from left to right;
# - say which shape comes out of `nn.Conv2d`, and count its parameters.
#
# **You need** notebook 01: the sliding window, `n - k + 1`, and index [row, column].
#
# **Plan** 50 minutes. Four exercises, three predictions and one question for your teacher, 29 points.

# %%
import torch
from convlab import data, figures
from convlab.checks import channels_and_batches as check
from convlab.widgets import Conv2dExplorer
from torch import nn

# %% [markdown]
# ## A colour image is three grids
#
# A screen mixes every colour from red, green and blue. So a colour image is three grids of numbers, one for each:
# its **channels**. PyTorch keeps them in one tensor with the axes **[channel, row, column]**.

# %%
photo = data.photo("astronaut")[:, ::4, ::4]  # NASA, public domain; every fourth row and column
print(photo.shape)
figures.pictures(
    {"photo": photo, "channel 0: red": photo[0], "channel 1: green": photo[1], "channel 2: blue": photo[2]},
    alt="An astronaut in an orange suit before a pale wall, and the three channels of the photo as grey images. "
    "The suit is nearly white in the red channel and dark in the other two; the wall is pale in all three.",
)

# %% [markdown]
# The suit is orange: bright in red, dark in blue. The wall behind is grey: about as bright in all three. In the red
# channel alone you cannot tell the wall from the suit.
#
# ### Predict
#
# A **filter** for this photo has a 3 × 3 kernel for each of the three channels. It slides over the photo once. How
# many output grids does it give?
#
# **(a)** three, one for each colour  **(b)** one  **(c)** nine  **(d)** one photo in colour

# %% nbgrader={"grade": false, "grade_id": "predicted_grids", "locked": false, "schema_version": 3, "solution": true, "task": false}
predicted_grids = None  # "a", "b", "c" or "d"
### BEGIN SOLUTION
predicted_grids = "b"
### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "check_predicted_grids", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
check.predicted_grids(predicted_grids)

# %% [markdown]
# ## One filter: the window gets a depth
#
# `x` has two channels of 3 × 4 cells. The filter `w` has two **slices** of 2 × 2, one for each channel. The window
# reaches through both channels, at the same rows and columns:

# %%
x = torch.tensor([[[1.0, 2, 0, 1], [0, 1, 3, 2], [2, 0, 1, 1]], [[0, 1, 1, 2], [3, 0, 2, 1], [1, 2, 0, 1]]])
w = torch.tensor([[[1.0, 0], [2, -1]], [[0, 3], [1, 0]]])
figures.grids(
    {"x[0]": x[0], "w[0]": w[0], "x[1]": x[1], "w[1]": w[1]},
    windows={"x[0]": (1, 2, 2, 2), "x[1]": (1, 2, 2, 2)},
    alt="Two channels of 3 rows and 4 columns, each with its own slice of the filter beside it. In both channels the "
    "same window is outlined: rows 1 to 2, columns 2 to 3.",
)
window = x[:, 1:3, 2:4]  # all channels, two rows, two columns
print("from each channel:", (window * w).sum(dim=(1, 2)))
print("together:", (window * w).sum())

# %% [markdown]
# Channel 0 gives 3·1 + 2·0 + 1·2 + 1·(-1) = 4, channel 1 gives 3. The output cell is their **sum**, 7. Not their mean:
# the weights say how much a channel counts. One slice for each channel, **one** grid for the filter. Compare with
# notebook 01: only the `:` is new.
#
# > **Exercise 1 · `conv_one_filter`** · difficulty 2 of 5 · 12 minutes · 8 points
#
# Write loops, or anything else but PyTorch's own convolution. `C` is the number of channels.

# %% nbgrader={"grade": false, "grade_id": "conv_one_filter", "locked": false, "schema_version": 3, "solution": true, "task": false}
def conv_one_filter(x, w):
    """Slide one filter over an image with channels, wherever it lies wholly inside.

    Args:
        x: the image, a tensor of shape (C, H, W). It is left as it is.
        w: the filter, a tensor of shape (C, kH, kW) with kH <= H and kW <= W, of the dtype of x.

    Returns:
        One grid: a tensor of shape (H - kH + 1, W - kW + 1) and of the dtype of x.

    Raises:
        ValueError: if x and w differ in the number of channels.

    Example:
        >>> conv_one_filter(torch.tensor([[[1, 2, 3]], [[4, 5, 6]]]), torch.tensor([[[1, 0]], [[0, 10]]]))
        tensor([[51, 62]])
    """
    ### BEGIN SOLUTION
    if x.shape[0] != w.shape[0]:
        raise ValueError(f"the image has {x.shape[0]} channels and the filter {w.shape[0]}")
    kH, kW = w.shape[1:]
    out = torch.zeros(x.shape[1] - kH + 1, x.shape[2] - kW + 1, dtype=x.dtype)
    for i in range(out.shape[0]):
        for j in range(out.shape[1]):
            out[i, j] = (x[:, i : i + kH, j : j + kW] * w).sum()
    return out
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "check_conv_one_filter", "locked": true, "points": 8, "schema_version": 3, "solution": false, "task": false}
check.conv_one_filter(conv_one_filter)

# %% [markdown]
# <details><summary>Hint 1: where do I start?</summary>
#
# Take your loops from notebook 01. Cut the window as in the cell above; `.sum()` adds over all three axes at once.
#
# </details>
# <details><summary>Hint 2: "not enough values to unpack", or sizes that do not match</summary>
#
# There is an axis in front now. The height of `x` is `x.shape[1]` and its width `x.shape[2]`; the same holds for `w`.
#
# </details>
# <details><summary>Hint 3: only "a ValueError where ..." fails</summary>
#
# Start with `if x.shape[0] != w.shape[0]: raise ValueError("...")`. Without it PyTorch stretches an axis of size 1 to
# any size, and a filter for grey images quietly runs on colour ones.
#
# </details>

# %% [markdown]
# ## What the depth buys
#
# Where is the photo red? Count red with +1, and green and blue with -½ each; take the mean over 3 × 3 cells. On grey,
# all three are equal and cancel. Beside it, the same filter on the photo turned grey. What will be left?

# %%
find_red = torch.tensor([1.0, -0.5, -0.5])[:, None, None].expand(3, 3, 3) / 9
grey = photo.mean(dim=0)
figures.pictures(
    {
        "photo": photo,
        "finds red": conv_one_filter(photo, find_red),
        "photo in grey": grey,
        "finds red in grey?": conv_one_filter(grey.expand(3, -1, -1), find_red),
    },
    signed=["finds red", "finds red in grey?"],
    alt="The photo; the filter's output, strongly orange on the suit and the red stripes of the flag, pale on skin "
    "and hair, nearly white on the wall; the photo in grey; and the filter's output for it, white everywhere.",
)

# %% [markdown]
# (Orange is above zero, blue below, white is zero.) Nothing is left: once the channels are mixed, no kernel can tell
# red from blue. That is why a colour image needs a kernel with a depth.
#
# ## Many filters
#
# A layer has many filters, and each gives one grid. Those grids are the **output channels**. The next layer takes
# them as its input channels. They are no longer colours, and you choose their number.
#
# ### Predict
#
# A tutorial that many beginners meet makes the layer `nn.Conv2d(2, 28, 3)`: 2 channels in, 28 out, kernels of 3 × 3.
# It feeds it 20 images of shape (2, 50, 50). Which shape has the layer's weight?
#
# **(a)** (2, 28, 3, 3)  **(b)** (28, 3, 3)  **(c)** (20, 28, 3, 3)  **(d)** (28, 2, 3, 3)

# %% nbgrader={"grade": false, "grade_id": "predicted_weight", "locked": false, "schema_version": 3, "solution": true, "task": false}
predicted_weight = None  # "a", "b", "c" or "d"
### BEGIN SOLUTION
predicted_weight = "d"
### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "check_predicted_weight", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
check.predicted_weight(predicted_weight)

# %% [markdown]
# Read a weight from left to right, as an address that gets more exact:
#
# | | shape | is |
# |:-|:-|:-|
# | `weight` | (out, in, kH, kW) | all filters |
# | `weight[o]` | (in, kH, kW) | filter `o`, which makes output channel `o` |
# | `weight[o, c]` | (kH, kW) | its slice for input channel `c` |
# | `weight[o, c, a, b]` | () | one number |
#
# Our small filter gets two companions:

# %%
weight = torch.stack([w, torch.ones(2, 2, 2), torch.ones(2, 2, 2)])
weight[1, 1] = -1  # filter 1's slice for input channel 1
weight[2, 1] = 0
bias = torch.tensor([10.0, 0.0, -1.0])
print(weight.shape, bias.shape)
figures.weight(
    weight,
    alt="A table of 2 by 2 kernels with three rows, filters 0 to 2, and two columns, input channels 0 and 1. Filter 1 "
    "holds ones for channel 0 and minus ones for channel 1. Filter 2 holds ones for channel 0 and zeros for channel 1.",
)

# %% [markdown]
# Filter 1 says by how much channel 0 exceeds channel 1. Filter 2 does not look at channel 1.
#
# Last, each filter has one **bias**: a number added to every cell of its grid, once, after the sum. Not once for each
# channel, and not another one for each position.
#
# > **Exercise 2 · `conv_filters`** · difficulty 2 of 5 · 10 minutes · 8 points
#
# `O` is the number of filters.

# %% nbgrader={"grade": false, "grade_id": "conv_filters", "locked": false, "schema_version": 3, "solution": true, "task": false}
def conv_filters(x, w, b):
    """Slide several filters over one image and add each filter's bias to its grid.

    Args:
        x: the image, a tensor of shape (C, H, W).
        w: the filters, a tensor of shape (O, C, kH, kW), of the dtype of x.
        b: the biases, a tensor of shape (O,) and of the dtype of x, or None for no bias.

    Returns:
        A tensor of shape (O, H - kH + 1, W - kW + 1): grid o comes from filter o.

    Example:
        >>> w = torch.tensor([[[[1]]], [[[10]]]])
        >>> conv_filters(torch.tensor([[[1, 2], [3, 4]]]), w, torch.tensor([0, 5])).tolist()
        [[[1, 2], [3, 4]], [[15, 25], [35, 45]]]
    """
    ### BEGIN SOLUTION
    out = torch.stack([conv_one_filter(x, one) for one in w])
    return out if b is None else out + b[:, None, None]
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "check_conv_filters", "locked": true, "points": 8, "schema_version": 3, "solution": false, "task": false}
check.conv_filters(conv_filters)

# %% [markdown]
# <details><summary>Hint 1: the plan</summary>
#
# `for one in w` walks along the first axis: `one` is a filter. Exercise 1 makes a grid of it. Collect the grids in a
# list; `torch.stack(grids)` puts them behind one another.
#
# </details>
# <details><summary>Hint 2: "The size of tensor a must match the size of tensor b" where b is added</summary>
#
# PyTorch lines axes up from the right. `out + b` therefore meets the columns. `b[:, None, None]` has the shape
# (O, 1, 1), and so meets the filters. (In the worked example there are three filters and three columns: `out + b`
# runs there, and is wrong.)
#
# </details>
# <details><summary>Hint 3: "'NoneType' object ...", or "Boolean value of Tensor ... is ambiguous"</summary>
#
# `b` may be None. Ask `if b is not None:`; `if b:` asks whether *the numbers* are true, and several numbers have no
# common answer.
#
# </details>

# %% [markdown]
# If **one** cell of input channel 1 changes, which of the three output channels change, and where? Decide first. Then
# change a cell below and watch.

# %%
explorer = Conv2dExplorer(input=x, weight=weight)
explorer

# %% [markdown]
# Output channel 1 changes wherever a window holds the cell. Channel 0 too, except where a weight of 0 meets it. Channel
# 2 stays: its slice for input channel 1 is all zeros. Each output channel sees every input channel, as far as its
# weights let it.
#
# ## Many images
#
# One image leaves most of a GPU idle. So PyTorch takes a **batch**: `N` images of one size, stacked along a new first
# axis: **[image, channel, row, column]**. The images share the filters and otherwise have nothing to do with one
# another.
#
# > **Exercise 3 · `conv_batch`** · difficulty 1 of 5 · 5 minutes · 4 points
#
# The check's worked example is a batch of our `x` and its mirror image.

# %% nbgrader={"grade": false, "grade_id": "conv_batch", "locked": false, "schema_version": 3, "solution": true, "task": false}
def conv_batch(x, w, b):
    """Slide several filters over each image of a batch: what nn.Conv2d does.

    Args:
        x: the images, a tensor of shape (N, C, H, W).
        w: the filters, a tensor of shape (O, C, kH, kW), of the dtype of x.
        b: the biases, a tensor of shape (O,) and of the dtype of x, or None for no bias.

    Returns:
        A tensor of shape (N, O, H - kH + 1, W - kW + 1): out[n] comes from image x[n] alone.

    Example:
        >>> conv_batch(torch.ones(20, 2, 5, 4), torch.ones(7, 2, 3, 3), None).shape
        torch.Size([20, 7, 3, 2])
    """
    ### BEGIN SOLUTION
    return torch.stack([conv_filters(image, w, b) for image in x])
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "check_conv_batch", "locked": true, "points": 4, "schema_version": 3, "solution": false, "task": false}
check.conv_batch(conv_batch)

# %% [markdown]
# <details><summary>Hint 1: where do I start?</summary>
#
# `for image in x` walks through the batch. Exercise 2 does the rest.
#
# </details>
# <details><summary>Hint 2: the shape has three axes instead of four</summary>
#
# `torch.cat` glues along an axis that is there. `torch.stack` makes a new one.
#
# </details>
# <details><summary>Hint 3: "a batch of one image" fails</summary>
#
# Is there a `squeeze()`? It takes away every axis of size 1, and a batch of one image has such an axis.
#
# </details>

# %% [markdown]
# ## Which axis comes first?
#
# Image files and Matplotlib have the channels **last**: (H, W, 3). A tutorial calls that the usual shape of an image;
# `nn.Conv2d` wants them first. `permute` moves axes. `reshape` only cuts the same row of numbers into other lengths.
# Both give (3, H, W):

# %%
file = photo.permute(1, 2, 0).contiguous()  # as a file has it: (H, W, 3)
figures.pictures(
    {"file.permute(2, 0, 1)": file.permute(2, 0, 1), "file.reshape(3, 128, 128)": file.reshape(3, 128, 128)},
    alt="Left, the photo as it was. Right, stripes and dots in glaring colours, in which nothing can be recognised.",
)

# %% [markdown]
# No error, the right shape, and a spoilt picture: never reorder axes with `reshape`. (Another tutorial lists the
# channels as red, blue, green. The order is red, green, blue; OpenCV starts with blue.)
#
# ## The layer of PyTorch
#
# `nn.Conv2d(in_channels, out_channels, kernel_size)` makes a weight and a bias, fills them with random numbers, and
# does what your `conv_batch` does. Here are two tutorials' first layers:

# %%
layer = nn.Conv2d(in_channels=3, out_channels=16, kernel_size=3, padding=1)
print(layer(torch.randn(1, 3, 32, 32)).shape)
for name, tensor in layer.state_dict().items():
    print(f"  {name}: {tuple(tensor.shape)}, {tensor.numel()} numbers")
try:
    layer(torch.randn(1, 1, 32, 32))
except RuntimeError as error:
    print(f"On a grey image: {error}")
layer = nn.Conv2d(2, 28, 3)
images = torch.randn(20, 2, 50, 50)
print(layer(images).shape)
corner = images[:2, :, :12, :12]  # your loops are slow
print(torch.allclose(layer(corner), conv_batch(corner, layer.weight.detach(), layer.bias.detach()), atol=1e-5))

# %% [markdown]
# - **3** is the depth of each filter: red, green, blue. A grey image is refused, as by yours. (`groups`: notebook 09.)
# - **16** filters make 16 output channels, each with one bias.
# - 32 × 32 stays 32 × 32 because of `padding=1`, the subject of notebook 03. Without it, 50 becomes 48.
# - The `state_dict` is all that a layer knows, and all that is saved of it: `weight` and `bias`.
#
# > **Exercise 4 · `count_parameters`** · difficulty 1 of 5 · 5 minutes · 4 points

# %% nbgrader={"grade": false, "grade_id": "count_parameters", "locked": false, "schema_version": 3, "solution": true, "task": false}
def count_parameters(in_channels, out_channels, kernel_size, bias):
    """Number of parameters (weights and biases) of nn.Conv2d with these arguments, without making one.

    Args:
        in_channels, out_channels: numbers of channels, ints of at least 1.
        kernel_size: an int for a square kernel, or a pair (kH, kW), in cells.
        bias: True if the layer has a bias, else False.

    Returns:
        The number of parameters, an int.

    Example:
        >>> count_parameters(3, 16, 3, True)
        448
    """
    ### BEGIN SOLUTION
    kH, kW = (kernel_size, kernel_size) if isinstance(kernel_size, int) else kernel_size
    weights = out_channels * in_channels * kH * kW
    return weights + out_channels if bias else weights
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "check_count_parameters", "locked": true, "points": 4, "schema_version": 3, "solution": false, "task": false}
check.count_parameters(count_parameters)

# %% [markdown]
# <details><summary>Hint 1: where do I start?</summary>
#
# How many numbers are in a tensor of shape (out, in, kH, kW)? How many in one of shape (out,)?
#
# </details>
# <details><summary>Hint 2: "cannot unpack non-iterable int object"</summary>
#
# `isinstance(kernel_size, int)` is True for 3 and False for (3, 5). Make a pair of the int first.
#
# </details>
# <details><summary>Hint 3: the number is too small or too large</summary>
#
# Ask the layer: `sum(p.numel() for p in nn.Conv2d(3, 16, (3, 5)).parameters())`. Which part differs, the weights or
# the biases?
#
# </details>

# %% [markdown]
# ### Predict
#
# `nn.Conv2d(3, 16, 3)` has 448 parameters and was fed one image of 32 × 32. Now it gets batches of 20 images of
# 64 × 64. How many parameters does it need?
#
# **(a)** 448  **(b)** 4 · 448  **(c)** 20 · 448  **(d)** 80 · 448

# %% nbgrader={"grade": false, "grade_id": "predicted_parameters", "locked": false, "schema_version": 3, "solution": true, "task": false}
predicted_parameters = None  # "a", "b", "c" or "d"
### BEGIN SOLUTION
predicted_parameters = "a"
### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "check_predicted_parameters", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
check.predicted_parameters(predicted_parameters)

# %% [markdown]
# ### Explain
#
# A colleague says: "A 3 × 3 convolution on a colour image is a 3 × 3 matrix, so 9 numbers." What is missing, how many
# numbers are there, and why are 9 not enough? Three or four sentences; your teacher reads them (2 points).

# %% [markdown] nbgrader={"grade": true, "grade_id": "nine_numbers", "locked": false, "points": 2, "schema_version": 3, "solution": true, "task": false}
# The depth is missing: a colour image has three channels, and a filter has a 3 × 3 slice for each of them, so 27 weights.
# With its bias that makes 28 numbers. A layer has `out_channels` such filters, so `28 * out_channels` numbers; with 16
# filters, 448. Nine numbers would have to serve all channels alike. Such a filter sees only the sum of the channels,
# which is a grey image, and cannot tell red from blue.
#
# (1 point for the depth and the number, with or without bias and filters if that is said; 1 point for the reason.)

# %% [markdown]
# ## What did we learn?
#
# - An image is **[channel, row, column]**, a batch **[image, channel, row, column]**.
# - A filter has a slice for each **input** channel. Their products are **added**, not averaged, to **one** grid.
# - Each filter makes one **output** channel, with one bias for the whole of it.
# - Read a weight from left to right: **(out, in, kH, kW)**. The layer's arguments go the other way: in, out, kernel.
# - Parameters: `out * in * kH * kW`, plus `out` for the bias. Image size and batch size do not count.
# - A filter with depth can compare channels. Once they are mixed, nothing can.
#
# **Explain it to someone:** the second layer of a network is `nn.Conv2d(16, 32, 3)`. What are its 16 input channels,
# how deep is each of its filters, and how many numbers has it learned?
#
# **Next:** 03, stride, padding and dilation. How does an image keep its size, and how does it shrink on purpose?
