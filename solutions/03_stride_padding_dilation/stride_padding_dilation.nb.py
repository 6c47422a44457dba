# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---

# %% [markdown]
# # 03 · Stride, padding and dilation
#
# **After this notebook you can**
#
# - say what each of the three does to the window, and to the size of the output;
# - write down the shape formula, and use it forwards and backwards;
# - choose the padding that keeps the size, for even kernels too.
#
# **You need** notebooks 01 and 02: the sliding window, channels, batches. A slice may take a step: `x[2:9:3]` holds
# the cells 2, 5 and 8.
#
# **Plan** 60 minutes. Four exercises, six predictions and one question to answer in words, 32 points.

# %%
import warnings

import torch
from convlab import figures
from convlab.checks import stride_padding_dilation as check
from convlab.widgets import Conv2dExplorer
from torch import nn
from torch.nn import functional as F

# %% [markdown]
# ## Stride: how far the window jumps
#
# So far the window moved by one cell. With **stride** `s` it moves by `s`. Here is a row of 8 cells, a window of 3
# and stride 2:

# %%
figures.places(
    8,
    3,
    stride=2,
    alt="A row of cells numbered 0 to 7. Under it three places of a window of 3 cells: cells 0 to 2, 2 to 4 and "
    "4 to 6. Cell 7 is marked, because no window reads it.",
)

# %% [markdown]
# The window has **room** to move: 8 - 3 = 5 cells. Two steps of 2 fit into it, and the place where the window starts
# makes three. The cell of room that is left is too short for a step, and there are no half steps: **round down**.
#
# ### Predict
#
# A tutorial makes the layer `nn.Conv2d(3, 33, 3, stride=2)` and runs it on nothing. Give it an input of shape
# (20, 3, 51, 100). **Height and width of the output?** A single number, like this 3 and this 2, holds for both axes.
#
# And in a row of 31 cells, a window of 5 and stride 4: **how many cells at the end does no window read?**
# **(a)** none: PyTorch refuses such a stride  **(b)** 1  **(c)** 2  **(d)** 3

# %% nbgrader={"grade": false, "grade_id": "predicted_strided", "locked": false, "schema_version": 3, "solution": true, "task": false}
predicted_strided = None  # (height, width), such as (17, 50)
### BEGIN SOLUTION
predicted_strided = (25, 49)
### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "check_predicted_strided", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
check.predicted_strided(predicted_strided)

# %% nbgrader={"grade": false, "grade_id": "predicted_unread", "locked": false, "schema_version": 3, "solution": true, "task": false}
predicted_unread = None  # "a", "b", "c" or "d"
### BEGIN SOLUTION
predicted_unread = "c"
### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "check_predicted_unread", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
check.predicted_unread(predicted_unread)

# %% [markdown]
# Cells at the end are dropped without a word. A popular visualisation of CNNs calls such a stride invalid. For PyTorch
# it is not; noticing is your job.
#
# ## Padding: cells of your own
#
# **Padding** `p` lays `p` new cells on *both* ends of an axis, before the window starts. They hold 0 unless you
# ask for something else. Then the window slides over the larger grid.
#
# ### Predict
#
# Another tutorial lays a white 4 × 4 square into 8 × 8 cells and slides a 3 × 3 kernel over it. With stride 1 and no
# padding the output is 6 × 6. How large is the output at **stride 2 and padding 1**?
#
# **(a)** 3 × 3  **(b)** 4 × 4  **(c)** 5 × 5  **(d)** 8 × 8

# %% nbgrader={"grade": false, "grade_id": "predicted_square", "locked": false, "schema_version": 3, "solution": true, "task": false}
predicted_square = None  # "a", "b", "c" or "d"
### BEGIN SOLUTION
predicted_square = "b"
### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "check_predicted_square", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
check.predicted_square(predicted_square)

# %%
square = torch.zeros(8, 8)
square[2:6, 2:6] = 1
vertical = torch.tensor([[1.0, 0.0, -1.0], [1.0, 0.0, -1.0], [1.0, 0.0, -1.0]])
small, smaller, same_size = [
    F.conv2d(square[None, None], vertical[None, None], stride=s, padding=p)[0, 0] for s, p in ((1, 0), (2, 1), (1, 1))
]
figures.grids(
    {"input: 8 × 8": square, "stride 1, padding 0: 6 × 6": small, "stride 2, padding 1: 4 × 4": smaller},
    alt="Left, a 4 by 4 white square in the middle of 8 by 8 cells. Middle, the 6 by 6 output: two columns of -1, "
    "-2, -3, -3, -2, -1 on the left, their positive twins on the right, zeros between. Right, the 4 by 4 output: "
    "0, -2, -3, -1 in its second column, 0, 2, 3, 1 in its fourth, zeros elsewhere.",
)
print("padding 1 alone:", tuple(same_size.shape))
print("stride 2 keeps every second cell of it:", torch.equal(smaller, same_size[::2, ::2]))

# %% [markdown]
# The tutorial draws this in greys, without numbers, and says that the larger stride makes the output even smaller. That
# is half of it: padding 1 alone keeps the size, and stride 2 keeps every second row and column of *that*. A stride
# skips **windows**. It does not thin out the input first: each window still sees neighbours.
#
# The greys hide something else. The square looks the same upside down, and so does the 6 × 6 output. The 4 × 4 does not:
# its last column reads 0, 2, 3, 1 from top to bottom.
#
# **In words** (2 points, read by a person): why? Square, padding and kernel are all symmetric. In the explorer, go to an
# output cell in the last row: which rows does its window read? Write two or three sentences into the cell below it.

# %%
Conv2dExplorer(square, vertical, stride=2, padding=1)

# %% [markdown] nbgrader={"grade": true, "grade_id": "explain_asymmetry", "locked": false, "points": 2, "schema_version": 3, "solution": true, "task": false}
# The padded input has 10 rows, counted from 0. Windows start at rows 0, 2, 4 and 6, so the last one ends at row 8. No
# window reads row 9, the padding below: the room of 7 cells is three steps of 2, and 1 cell is left over. The first
# window reaches over the upper border of the image and the last one stops at the lower border, so the windows are no mirror
# image of each other.

# %% [markdown]
# > **Exercise 1 · `pad2d`** · difficulty 2 of 5 · 8 minutes · 4 points
#
# Write padding yourself, without `F.pad` and its relatives. The four sides may differ. Axes before height and width
# stay as they are.

# %% nbgrader={"grade": false, "grade_id": "pad2d", "locked": false, "schema_version": 3, "solution": true, "task": false}
def pad2d(x, left, right, top, bottom, value):
    """Lay new cells around each image.

    Args:
        x: a tensor of shape (..., H, W), of any dtype. It is left as it is.
        left, right, top, bottom: how many cells to add on each side, ints of at least 0.
        value: the number that the new cells hold.

    Returns:
        A tensor of shape (..., top + H + bottom, left + W + right), with the dtype of x.

    Example:
        >>> pad2d(torch.tensor([[1, 2, 3], [4, 5, 6]]), 1, 3, 2, 1, 9)
        tensor([[9, 9, 9, 9, 9, 9, 9],
                [9, 9, 9, 9, 9, 9, 9],
                [9, 1, 2, 3, 9, 9, 9],
                [9, 4, 5, 6, 9, 9, 9],
                [9, 9, 9, 9, 9, 9, 9]])
    """
    ### BEGIN SOLUTION
    *front, H, W = x.shape
    out = x.new_full((*front, top + H + bottom, left + W + right), value)
    out[..., top : top + H, left : left + W] = x
    return out
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "check_pad2d", "locked": true, "points": 4, "schema_version": 3, "solution": false, "task": false}
check.pad2d(pad2d)

# %% [markdown]
# <details><summary>Hint 1: the plan</summary>
#
# Make a tensor of the new size, full of `value`. Then assign `x` to the right slice of it.
#
# </details>
# <details><summary>Hint 2: it fails where a side has no padding</summary>
#
# Do you end a slice with `-bottom` or `-right`? Try `torch.arange(5)[1:-0]`. -0 is 0, so the slice is empty. End it at
# `top + H` and `left + W`.
#
# </details>
# <details><summary>Hint 3: only "more axes, other dtypes and layouts" fails</summary>
#
# `*front, H, W = x.shape` puts all other axes into `front`. `x.new_full((*front, ..., ...), value)` takes the dtype
# from `x`, and `out[..., a:b, c:d]` leaves the front axes alone.
#
# </details>
#
# ### Predict
#
# The first tutorial again: `nn.Conv2d(3, 33, (3, 4), stride=(3, 1), padding=(4, 2))`. Every pair is (height, width).
# The input is still (20, 3, 51, 100). Height and width of the output?

# %% nbgrader={"grade": false, "grade_id": "predicted_padded", "locked": false, "schema_version": 3, "solution": true, "task": false}
predicted_padded = None  # (height, width), such as (17, 50)
### BEGIN SOLUTION
predicted_padded = (19, 101)
### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "check_predicted_padded", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
check.predicted_padded(predicted_padded)

# %% [markdown]
# ## Dilation: a window with gaps
#
# With **dilation** `d` neighbouring kernel cells lie `d` cells apart. The kernel keeps its weights and covers more
# of the image. You may picture it with zeros in the gaps:

# %%
weights = torch.tensor([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0], [7.0, 8.0, 9.0]])
spread = {}
for d in (1, 2, 3):
    spread[f"dilation {d}"] = torch.zeros(2 * d + 1, 2 * d + 1)
    spread[f"dilation {d}"][::d, ::d] = weights
figures.grids(
    spread,
    alt="The weights 1 to 9 of a 3 by 3 kernel at dilation 1, 2 and 3. They cover 3 by 3, 5 by 5 and 7 by 7 cells, "
    "with zeros in the gaps.",
)

# %% [markdown]
# `k` kernel cells have `k - 1` gaps, and each is a step of `d`. From the first cell to the last, both counted, a dilated
# kernel covers its **span**: `d * (k - 1) + 1` cells. At `d = 1` that is `k`, as it must be.
#
# ### Predict
#
# The tutorial's last call: `nn.Conv2d(3, 33, (3, 5), stride=(3, 1), padding=(4, 2), dilation=(3, 1))`, with the same
# input. Height and width of the output?

# %% nbgrader={"grade": false, "grade_id": "predicted_dilated", "locked": false, "schema_version": 3, "solution": true, "task": false}
predicted_dilated = None  # (height, width), such as (17, 50)
### BEGIN SOLUTION
predicted_dilated = (18, 100)
### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "check_predicted_dilated", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
check.predicted_dilated(predicted_dilated)

# %% [markdown]
# ## One formula
#
# Along one axis, with `n` = 8, `k` = 3, `s` = 3, `p` = 2, `d` = 2:

# %%
figures.places(
    8,
    3,
    stride=3,
    padding=2,
    dilation=2,
    alt="A row of 8 cells with two cells of padding at both ends. Under it three places of a window that touches every "
    "second cell and spans 5. They start 3 cells apart. The last cell of padding is marked: no window reads it.",
)

# %% [markdown]
# $$\text{out} = \left\lfloor \frac{n + 2p - (d\,(k - 1) + 1)}{s} \right\rfloor + 1$$
#
# Read it as a sentence: *padded size, minus span, is the room; whole steps in the room, plus the first place*. The half
# brackets mean "round down". The cells that no window reads at the end are the rest of the division.
#
# > **Exercise 2 · `output_shape`** · difficulty 2 of 5 · 12 minutes · 8 points

# %% nbgrader={"grade": false, "grade_id": "output_shape", "locked": false, "schema_version": 3, "solution": true, "task": false}
def output_shape(hw, kernel_size, stride, padding, dilation):
    """Height and width of a convolution's output, without running one.

    Args:
        hw: height and width of the input, in cells, a pair of ints.
        kernel_size, stride, padding, dilation: for height and width, in cells, each a pair of ints.

    Returns:
        Height and width of the output, a tuple of two ints.

    Raises:
        ValueError: if along either axis the dilated kernel covers more cells than the padded input has.

    Example:
        >>> output_shape((8, 9), (3, 2), (2, 3), (1, 0), (2, 1))
        (3, 3)
    """
    ### BEGIN SOLUTION
    size = []
    for n, k, s, p, d in zip(hw, kernel_size, stride, padding, dilation, strict=True):
        room = n + 2 * p - (d * (k - 1) + 1)
        if room < 0:
            raise ValueError(f"a kernel of {k} cells at dilation {d} does not fit into {n} + 2 * {p} cells")
        size.append(room // s + 1)
    return tuple(size)
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "check_output_shape", "locked": true, "points": 8, "schema_version": 3, "solution": false, "task": false}
check.output_shape(output_shape)

# %% [markdown]
# <details><summary>Hint 1: where do I start?</summary>
#
# Write it for one axis first. A loop over `zip(hw, kernel_size, stride, padding, dilation)` gives the five numbers of
# one axis at a time: the height's, then the width's.
#
# </details>
# <details><summary>Hint 2: some sizes are off by one</summary>
#
# For the row in the figure: what are padded size, span, room, steps, places? Print yours and compare. `//` rounds down.
#
# </details>
# <details><summary>Hint 3: "a kernel that does not fit" fails</summary>
#
# The room is negative exactly when the spread kernel is longer than the padded row. `if room < 0:
# raise ValueError("...")`, before the division.
#
# </details>
#
# Now run the tutorial's three layers. Does your function get them right?

# %%
images = torch.rand(20, 3, 51, 100)
layers = [
    nn.Conv2d(3, 33, 3, stride=2),
    nn.Conv2d(3, 33, (3, 4), stride=(3, 1), padding=(4, 2)),
    nn.Conv2d(3, 33, (3, 5), stride=(3, 1), padding=(4, 2), dilation=(3, 1)),
]
for layer in layers:
    yours = output_shape((51, 100), layer.kernel_size, layer.stride, layer.padding, layer.dilation)
    print("PyTorch:", tuple(layer(images).shape), " yours:", yours)

# %% [markdown]
# ### Backwards
#
# Often the output's size is given and the padding is asked for. 14 places are 13 whole steps. Because of the rounding,
# the room may be anything from 13 `s` up to, but not including, 14 `s`.
#
# ### Predict
#
# A row of 40 cells, a kernel of 5, stride 3, no dilation. Which paddings give **14**?
#
# **(a)** 2 only  **(b)** 2 and 3  **(c)** 1 and 2  **(d)** 4, 5 and 6

# %% nbgrader={"grade": false, "grade_id": "predicted_paddings", "locked": false, "schema_version": 3, "solution": true, "task": false}
predicted_paddings = None  # "a", "b", "c" or "d"
### BEGIN SOLUTION
predicted_paddings = "b"
### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "check_predicted_paddings", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
check.predicted_paddings(predicted_paddings)

# %% [markdown]
# ## All together
#
# > **Exercise 3 · `conv2d`** · difficulty 3 of 5 · 15 minutes · 8 points
#
# The whole layer: your batch convolution from notebook 02, with a window that jumps, hangs over the edge and has gaps.
# Use what you wrote above, but not PyTorch's convolution or `F.unfold`.

# %% nbgrader={"grade": false, "grade_id": "conv2d", "locked": false, "schema_version": 3, "solution": true, "task": false}
def conv2d(x, w, b, stride, padding, dilation):
    """Slide every filter of w over every padded image of x.

    Args:
        x: the images, a tensor of shape (N, C, H, W), float32 or float64. It is left as it is.
        w: the filters, a tensor of shape (O, C, kH, kW) and of the dtype of x.
        b: one number for each filter, a tensor of shape (O,) and of the dtype of x.
        stride, padding, dilation: for height and width, in cells, each a pair of ints. The padding is zeros.

    Returns:
        A tensor of shape (N, O, *output_shape((H, W), (kH, kW), stride, padding, dilation)), with the dtype of x.

    Example:
        >>> x = torch.tensor([[[[1.0, 2.0, 3.0], [4.0, 5.0, 6.0], [7.0, 8.0, 9.0]]]])
        >>> w, b = torch.tensor([[[[1.0, 2.0], [0.0, -1.0]]]]), torch.tensor([0.5])
        >>> conv2d(x, w, b, (2, 1), (1, 0), (1, 2))
        tensor([[[[-2.5000],
                  [ 7.5000]]]])
    """
    ### BEGIN SOLUTION
    kH, kW = w.shape[2:]
    (sH, sW), (pH, pW), (dH, dW) = stride, padding, dilation
    height, width = output_shape(x.shape[2:], (kH, kW), stride, padding, dilation)
    padded = pad2d(x, pW, pW, pH, pH, 0)
    out = x.new_zeros(len(x), len(w), height, width)
    for i in range(height):
        for j in range(width):
            rows = slice(i * sH, i * sH + dH * (kH - 1) + 1, dH)
            columns = slice(j * sW, j * sW + dW * (kW - 1) + 1, dW)
            window = padded[:, None, :, rows, columns]
            out[:, :, i, j] = (window * w).sum(dim=(2, 3, 4)) + b
    return out
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "check_conv2d", "locked": true, "points": 8, "schema_version": 3, "solution": false, "task": false}
check.conv2d(conv2d)

# %% [markdown]
# <details><summary>Hint 1: the plan</summary>
#
# Ask `output_shape` for the size, pad with `pad2d` (left and right come first: the *width's* padding), then loop over
# the output's cells. Output cell (i, j) belongs to the window that starts at padded row `i * stride[0]` and column
# `j * stride[1]`.
#
# </details>
# <details><summary>Hint 2: the shape is right and the numbers are not</summary>
#
# Print the window for output cell (1, 1) of a small case. Does it start where it should? Has it gaps? A slice takes a
# step: `start : start + d * (k - 1) + 1 : d`.
#
# </details>
# <details><summary>Hint 3: almost the whole answer</summary>
#
# Two more loops, over images `n` and filters `o`, keep it simple: `window = padded[n, :, rows, columns]` has the shape of
# `w[o]`, and `out[n, o, i, j] = (window * w[o]).sum() + b[o]`.
#
# </details>
#
# ## The padding that keeps the size
#
# At stride 1 a window of span `d * (k - 1) + 1` costs `d * (k - 1)` places. Pad as many cells in all and the output is
# as large as the input: that is `padding="same"`. Half of them goes to each end.
#
# Tutorials write `padding=k // 2`. For odd kernels without dilation it is right. For `k = 4` there are 3 cells to share
# out, and `4 // 2` at both ends is 4.
#
# > **Exercise 4 · `same_padding`** · difficulty 2 of 5 · 8 minutes · 4 points
#
# PyTorch's rule: where the total is odd, the extra cell goes **after**, to the right or below.

# %% nbgrader={"grade": false, "grade_id": "same_padding", "locked": false, "schema_version": 3, "solution": true, "task": false}
def same_padding(kernel_size, dilation):
    """Padding along one axis that keeps the size at stride 1, as nn.Conv2d(padding="same") shares it out.

    An odd total cannot be halved: the extra cell goes after (checked against PyTorch in the next cell).

    Args:
        kernel_size, dilation: of that axis, in cells, ints of at least 1.

    Returns:
        How many cells to add before the row and after it, a tuple of two ints.

    Example:
        >>> same_padding(4, 1)
        (1, 2)
    """
    ### BEGIN SOLUTION
    total = dilation * (kernel_size - 1)
    return total // 2, total - total // 2
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "check_same_padding", "locked": true, "points": 4, "schema_version": 3, "solution": false, "task": false}
check.same_padding(same_padding)

# %% [markdown]
# <details><summary>Hint 1: how many cells in all?</summary>
#
# As many as the window costs: its span minus 1. Try the formula above with stride 1 and out = n.
#
# </details>
# <details><summary>Hint 2: even kernels fail</summary>
#
# `total // 2` at both ends loses a cell when the total is odd. The other end gets what is left.
#
# </details>
# <details><summary>Hint 3: still wrong, by one at either end</summary>
#
# The smaller number comes first: `before = total // 2`, `after = total - before`.
#
# </details>
#
# Does PyTorch really do that? Pad by your rule, convolve without padding, compare. (PyTorch would warn that uneven
# padding costs it a copy.)

# %%
warnings.filterwarnings("ignore", "Using padding='same'")
image = torch.rand(1, 1, 7, 9)
for k in (2, 3, 4):
    for d in (1, 2, 3):
        layer = nn.Conv2d(1, 1, k, dilation=d, padding="same")
        before, after = same_padding(k, d)
        padded = pad2d(image, before, after, before, after, 0)
        mirrored = pad2d(image, after, before, after, before, 0)
        agree = [F.conv2d(one, layer.weight, layer.bias, dilation=d).allclose(layer(image)) for one in (padded, mirrored)]
        print(f"k = {k}, d = {d}: {before} before, {after} after. PyTorch agrees: {agree[0]}, the other way round: {agree[1]}")

# %% [markdown]
# The other way round agrees only where both ends are equal. With a stride of 2 or more PyTorch refuses `"same"`: say the
# padding yourself.
#
# ## What did we learn?
#
# - **Stride** skips windows, not input cells: `i * s` is where window `i` starts.
# - **Padding** counts at both ends: `n + 2p`. It goes on before the window slides.
# - **Dilation** spreads the kernel: it covers `d * (k - 1) + 1` cells.
# - Output size: room = padded size minus span; `room // s + 1`. Round **down**; the rest of the division is how many
#   cells at the end nobody reads.
# - Backwards, one output size has several answers. Every pair is **(height, width)**.
# - "Same" needs `d * (k - 1)` cells; an odd one goes **after**. `k // 2` is for odd kernels.
# - `x[p:-p]` is empty at `p = 0`: count slices from the front.
#
# **Explain it to someone:** a 224 × 224 photo goes through kernel 7, stride 2, padding 3 and comes out 112 × 112. Why,
# and which row of padding was wasted?
#
# **Next:** 04, kernel effects. What should lie beyond the border, if not zeros?
