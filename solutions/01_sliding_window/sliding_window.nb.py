# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---

# %% [markdown]
# # 01 · A window slid by hand
#
# **After this notebook you can**
#
# - compute any cell of a convolution's output with pencil and paper, and in loops;
# - say how large the output will be before you run anything;
# - explain why what PyTorch calls a convolution is not what a mathematician calls one.
#
# **You need** Python loops and slices of a 2-D tensor, such as `x[0:2, 1:3]`. No calculus, no neural networks.
#
# **Plan** 45 minutes. Four exercises and three predictions, 23 points. Check each answer as often as you like.

# %%
import torch
from convlab import figures
from convlab.checks import sliding_window as check
from convlab.timing import median_seconds
from convlab.widgets import Conv2dExplorer
from torch import nn
from torch.nn import functional as F

# %% [markdown]
# ## A small grid slides over a large one
#
# A grey image is a grid of numbers. A **kernel** is a smaller grid of numbers. Put the kernel on the image,
# multiply each kernel cell by the image cell under it, add up the products, write the sum down. Move one cell on;
# do it again. That is all a convolution layer does. Everything else in this course is bookkeeping, learning, or
# speed.
#
# Here is a white square on black, with a kernel that compares each cell with its eight neighbours.

# %%
square = torch.zeros(5, 5)
square[1:4, 1:4] = 1
laplacian = torch.tensor([[-1.0, -1.0, -1.0], [-1.0, 8.0, -1.0], [-1.0, -1.0, -1.0]])
figures.grids(
    {"input: 5 × 5": square, "kernel: 3 × 3": laplacian},
    alt="Left, a 5 by 5 grid of zeros with a 3 by 3 block of ones in its middle. "
    "Right, a 3 by 3 kernel: 8 in the centre, -1 in the eight cells around it.",
)

# %% [markdown]
# ### Predict
#
# The 3 × 3 kernel slides over the 5 × 5 input and always lies wholly inside it. How large is the output?
#
# **(a)** 5 × 5  **(b)** 4 × 4  **(c)** 3 × 3  **(d)** 2 × 2

# %% nbgrader={"grade": false, "grade_id": "predicted_shape", "locked": false, "schema_version": 3, "solution": true, "task": false}
predicted_shape = None  # "a", "b", "c" or "d"
### BEGIN SOLUTION
predicted_shape = "c"
### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "check_predicted_shape", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
check.predicted_shape(predicted_shape)

# %% [markdown]
# ## One window
#
# Take numbers small enough to do by hand. `x` has 3 rows and 4 columns, `k` has 2 rows and 2 columns. Both are
# lopsided on purpose: symmetric examples forgive every mistake.

# %%
x = torch.tensor([[1.0, 2.0, 3.0, 0.0], [0.0, 1.0, 2.0, 3.0], [3.0, 0.0, 1.0, 2.0]])
k = torch.tensor([[1.0, 2.0], [0.0, -1.0]])
figures.grids(
    {"x: 3 × 4": x, "k: 2 × 2": k},
    windows={"x: 3 × 4": (1, 2, 2, 2)},
    alt="x, a grid of 3 rows and 4 columns, with an outline around rows 1 to 2 and columns 2 to 3, which hold "
    "2, 3 over 1, 2. Beside it the kernel k, which holds 1, 2 over 0, -1.",
)

# %% [markdown]
# The outlined window starts at row 1, column 2. A tensor is indexed **[row, column]**, counted from zero, and a
# slice leaves out its end:

# %%
window = x[1:3, 2:4]
print(window)
print(window * k)  # cell by cell
print((window * k).sum())  # 2·1 + 3·2 + 1·0 + 2·(-1)

# %% [markdown]
# > **Exercise 1 · `window_dot`** · difficulty 1 of 5 · 5 minutes · 4 points
#
# Do this for any window. In this course `H` and `W` are the height and width of the input, `kH` and `kW` those of
# the kernel.

# %% nbgrader={"grade": false, "grade_id": "window_dot", "locked": false, "schema_version": 3, "solution": true, "task": false}
def window_dot(x, k, i, j):
    """Sum of the products of the kernel and the window whose top left cell is (i, j).

    Args:
        x: the input, a tensor of shape (H, W).
        k: the kernel, a tensor of shape (kH, kW) with kH <= H and kW <= W.
        i, j: the window's first row and first column, in cells from 0.

    Returns:
        The sum, a tensor of shape ().

    Example:
        >>> window_dot(torch.tensor([[1, 2, 3], [4, 5, 6]]), torch.tensor([[1, 10]]), 1, 1)
        tensor(65)
    """
    ### BEGIN SOLUTION
    kH, kW = k.shape
    return (x[i : i + kH, j : j + kW] * k).sum()
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "check_window_dot", "locked": true, "points": 4, "schema_version": 3, "solution": false, "task": false}
check.window_dot(window_dot)

# %% [markdown]
# <details><summary>Hint 1: where do I start?</summary>
#
# Two steps: cut the window out of `x` with a slice, then multiply and add as in the cell above.
#
# </details>
# <details><summary>Hint 2: "The size of tensor a must match the size of tensor b"</summary>
#
# Window and kernel differ in shape. How many rows has the window `x[i : i + 2, ...]`? It needs as many as the
# kernel has, which is `k.shape[0]` and not always 2.
#
# </details>
# <details><summary>Hint 3: almost the whole answer</summary>
#
# `x[i : i + k.shape[0], j : ...]`, then `* k`, then `.sum()`.
#
# </details>

# %% [markdown]
# ## How many windows are there?
#
# Look at one row of five cells and a window of three:
#
# ```text
# cell       0   1   2   3   4
# place 0  [ *   *   * ]
# place 1      [ *   *   * ]
# place 2          [ *   *   * ]
# ```
#
# The window starts at 0, 1 or 2: it can take two steps, and so it has three places. Height and width each follow
# the same rule, by themselves.
#
# > **Exercise 2 · `output_size`** · difficulty 1 of 5 · 5 minutes · 4 points

# %% nbgrader={"grade": false, "grade_id": "output_size", "locked": false, "schema_version": 3, "solution": true, "task": false}
def output_size(n, k):
    """Number of places for a window of k cells in a row of n cells.

    Args:
        n: size of the input along one axis, in cells, an int of at least 1.
        k: size of the kernel along that axis, in cells, an int of at least 1.

    Returns:
        The size of the output along that axis, an int.

    Raises:
        ValueError: if k > n. There is no place for such a window.

    Example:
        >>> output_size(5, 3)
        3
    """
    ### BEGIN SOLUTION
    if k > n:
        raise ValueError(f"a kernel of size {k} does not fit into an input of size {n}")
    return n - k + 1
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "check_output_size", "locked": true, "points": 4, "schema_version": 3, "solution": false, "task": false}
check.output_size(output_size)

# %% [markdown]
# <details><summary>Hint 1: find the rule</summary>
#
# Draw the picture above for a row of five cells and windows of 1, 2, 4 and 5. Write the number of places under
# each other.
#
# </details>
# <details><summary>Hint 2: it is one too few</summary>
#
# The last place starts at cell `n - k`. The first starts at cell 0. How many starts are that?
#
# </details>
# <details><summary>Hint 3: "a kernel that does not fit, and one that just does" fails</summary>
#
# Before the formula: `if k > n: raise ValueError("...")`. A wrong size returned quietly becomes a puzzle three
# cells later; an error names the culprit at once.
#
# </details>

# %% [markdown]
# ## Every window
#
# Now slide: visit each cell of the output and fill it with its window's sum.
#
# > **Exercise 3 · `cross_correlate2d`** · difficulty 2 of 5 · 15 minutes · 8 points
#
# Write the loops. You may call what you wrote above, but not PyTorch's own convolution: that is what you are about
# to understand. Mind the dtype: whole numbers times fractions are fractions.

# %% nbgrader={"grade": false, "grade_id": "cross_correlate2d", "locked": false, "schema_version": 3, "solution": true, "task": false}
def cross_correlate2d(x, k):
    """Slide k over x: the sum of products at every place where k lies wholly inside x.

    Args:
        x: the input, a tensor of shape (H, W), of any dtype. It is left as it is.
        k: the kernel, a tensor of shape (kH, kW) with kH <= H and kW <= W.

    Returns:
        A tensor of shape (H - kH + 1, W - kW + 1) and of the dtype that x * k would have,
        which is torch.promote_types(x.dtype, k.dtype).

    Example:
        >>> cross_correlate2d(torch.tensor([[1, 2, 3], [4, 5, 6]]), torch.tensor([[1, 10]]))
        tensor([[21, 32],
                [54, 65]])
    """
    ### BEGIN SOLUTION
    height = output_size(x.shape[0], k.shape[0])
    width = output_size(x.shape[1], k.shape[1])
    out = torch.zeros(height, width, dtype=torch.promote_types(x.dtype, k.dtype))
    for i in range(height):
        for j in range(width):
            out[i, j] = window_dot(x, k, i, j)
    return out
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "check_cross_correlate2d", "locked": true, "points": 8, "schema_version": 3, "solution": false, "task": false}
check.cross_correlate2d(cross_correlate2d)

# %% [markdown]
# <details><summary>Hint 1: the plan</summary>
#
# Make an output of zeros with the size from exercise 2. Two loops, one inside the other, over the *output's* rows
# and columns. In the middle, exercise 1.
#
# </details>
# <details><summary>Hint 2: "index 3 is out of bounds"</summary>
#
# Which of the two counts rows? `out[i, j]` needs `i` below the output's height and `j` below its width. Try a wide
# input: does each loop end where its own axis ends?
#
# </details>
# <details><summary>Hint 3: only "other dtypes" fails</summary>
#
# `torch.zeros(height, width)` is always float32. Tell it
# `dtype=torch.promote_types(x.dtype, k.dtype)`.
#
# </details>

# %% [markdown]
# ### Predict
#
# Back to the white square and its kernel, 8 in the middle and -1 around it. Which number does the output hold in
# its **centre**, where all nine cells under the kernel are 1?
#
# **(a)** 16  **(b)** 8  **(c)** 1  **(d)** 0

# %% nbgrader={"grade": false, "grade_id": "predicted_centre", "locked": false, "schema_version": 3, "solution": true, "task": false}
predicted_centre = None  # "a", "b", "c" or "d"
### BEGIN SOLUTION
predicted_centre = "d"
### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "check_predicted_centre", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
check.predicted_centre(predicted_centre)

# %% [markdown]
# ## Look at it, and touch it
#
# A tutorial that many beginners meet draws exactly this square and kernel, in greys without numbers, and says that
# edges were detected. Look closer, with a second square that has more black around it.

# %%
roomy = torch.zeros(8, 8)
roomy[2:6, 2:6] = 1
figures.grids(
    {"5 × 5 square, out": cross_correlate2d(square, laplacian), "roomy square, out": cross_correlate2d(roomy, laplacian)},
    alt="Left, the 3 by 3 output for the 5 by 5 square: 5 in the corners, 3 along the sides, 0 in the centre. "
    "Right, the 6 by 6 output for a 4 by 4 square in an 8 by 8 input: inside the square's border 5 in the "
    "corners and 3 along the sides, outside it -1 to -3, and 0 in the middle.",
)

# %% [markdown]
# Where nothing changes the sum is 0, because the kernel's weights add up to 0. At the square's border it is positive
# just inside and **negative** just outside. The small input hides the negative half: it has no room for it. And the
# output is smaller than the input by `k - 1` in both directions, since a window has to fit.
#
# In the explorer below, point at an output cell or walk there with the arrow keys. Which window feeds it? Then
# point at an input cell: how many outputs does it feed, and why fewer in a corner? Change any number.

# %%
explorer = Conv2dExplorer(square, laplacian)
explorer

# %% [markdown]
# What you change in the picture, Python sees, and the other way round: try `explorer.weight = torch.ones(2, 3)`.

# %%
print(explorer.weight)
print(explorer.output)

# %% [markdown]
# ## What a mathematician means by convolution
#
# What you wrote is called **cross-correlation**:
#
# $$\text{out}[i, j] = \sum_{a=0}^{k_H - 1} \sum_{b=0}^{k_W - 1} x[i + a,\; j + b] \; k[a, b]$$
#
# The **convolution** of mathematics and signal processing first turns the kernel by half a turn, so that its last
# row and column come first:
#
# $$\text{out}[i, j] = \sum_{a=0}^{k_H - 1} \sum_{b=0}^{k_W - 1} x[i + a,\; j + b] \; k[k_H - 1 - a,\; k_W - 1 - b]$$
#
# The turn buys good algebra: a bright dot comes out as a picture of the kernel, the right way up, and when every
# overlap is counted it does not matter which of the two is called image and which kernel.
#
# ### Predict
#
# For one of these kernels the turn changes nothing, whatever the image. Which?
#
# | (a) | (b) | (c) |
# |:-:|:-:|:-:|
# | 1 &nbsp; 0 &nbsp; -1 | -1 &nbsp; -1 &nbsp; -1 | 0 &nbsp; 1 |
# | 1 &nbsp; 0 &nbsp; -1 | -1 &nbsp; 8 &nbsp; -1 | 2 &nbsp; 3 |
# | 1 &nbsp; 0 &nbsp; -1 | -1 &nbsp; -1 &nbsp; -1 | |
#
# **(d)** for none of the three

# %% nbgrader={"grade": false, "grade_id": "predicted_twins", "locked": false, "schema_version": 3, "solution": true, "task": false}
predicted_twins = None  # "a", "b", "c" or "d"
### BEGIN SOLUTION
predicted_twins = "b"
### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "check_predicted_twins", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
check.predicted_twins(predicted_twins)

# %% [markdown]
# > **Exercise 4 · `convolve2d`** · difficulty 2 of 5 · 5 minutes · 4 points

# %% nbgrader={"grade": false, "grade_id": "convolve2d", "locked": false, "schema_version": 3, "solution": true, "task": false}
def convolve2d(x, k):
    """The mathematician's convolution, where the kernel lies wholly inside the input.

    Args:
        x: the input, a tensor of shape (H, W), of any dtype. It is left as it is.
        k: the kernel, a tensor of shape (kH, kW) with kH <= H and kW <= W. It is turned by 180 degrees.

    Returns:
        A tensor of shape (H - kH + 1, W - kW + 1), with the dtype that x * k would have.

    Example:
        >>> convolve2d(torch.tensor([[1, 2, 3], [4, 5, 6]]), torch.tensor([[1, 10]]))
        tensor([[12, 23],
                [45, 56]])
    """
    ### BEGIN SOLUTION
    return cross_correlate2d(x, k.flip(0, 1))
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "check_convolve2d", "locked": true, "points": 4, "schema_version": 3, "solution": false, "task": false}
check.convolve2d(convolve2d)

# %% [markdown]
# <details><summary>Hint 1: no new loops</summary>
#
# Turn the kernel, then do what exercise 3 does.
#
# </details>
# <details><summary>Hint 2: how do I turn a tensor?</summary>
#
# Half a turn reverses the order of the rows *and* the order of the columns. PyTorch has `flip`; a negative step such
# as `k[::-1]` is for NumPy only.
#
# </details>
# <details><summary>Hint 3: "flipped top to bottom only"</summary>
#
# `k.flip(0)` reverses the rows. `flip` takes several axes.
#
# </details>

# %% [markdown]
# A single bright dot tells the two apart:

# %%
dot = torch.zeros(5, 5)
dot[2, 2] = 1
corner = torch.tensor([[1.0, 2.0, 3.0], [4.0, 0.0, 0.0], [5.0, 0.0, 0.0]])
figures.grids(
    {"kernel": corner, "cross-correlation": cross_correlate2d(dot, corner), "convolution": convolve2d(dot, corner)},
    alt="A lopsided kernel with its large numbers along the top and left. Cross-correlating a single bright dot "
    "gives the kernel turned by 180 degrees; convolving it gives the kernel itself.",
)

# %% [markdown]
# ## And PyTorch?
#
# `F.conv2d` and `nn.Conv2d` compute the **cross-correlation**, by the name of convolution. Nobody minds, because a
# network *learns* its kernels: one that wanted the turned kernel learns it turned. It matters the day you copy a
# kernel out of a signal-processing book.
#
# PyTorch wants four axes, for batch and channels as well. `[None, None]` adds two of size 1; notebook 02 says what
# they are for.

# %%
library = F.conv2d(x[None, None], k[None, None])[0, 0]
print("F.conv2d is cross_correlate2d:", torch.equal(library, cross_correlate2d(x, k)))
print("F.conv2d is convolve2d:       ", torch.equal(library, convolve2d(x, k)))

layer = nn.Conv2d(in_channels=1, out_channels=1, kernel_size=3, bias=False)
with torch.no_grad():
    layer.weight.copy_(laplacian)
print("nn.Conv2d on the square:\n", layer(square[None, None])[0, 0].detach())

# %% [markdown]
# (`layer.weight.copy_` fills the parameter that the layer already has. Tutorials write `layer.weight.data = ...`,
# which works too, and goes round autograd's back and past the check that the shape is right.)
#
# ## How slow are loops?
#
# Guess first: on a 128 × 128 image, how many times as long do your loops take as `F.conv2d`? Ten times? A hundred?

# %%
sizes = [8, 16, 32, 64, 128]
images = [torch.rand(n, n) for n in sizes]
seconds = {
    "your loops": [median_seconds(cross_correlate2d, image, laplacian) for image in images],
    "F.conv2d": [median_seconds(F.conv2d, image[None, None], laplacian[None, None]) for image in images],
}
print(f"at 128 × 128: {seconds['your loops'][-1] / seconds['F.conv2d'][-1]:,.0f} times as long")
figures.race(
    sizes,
    seconds,
    alt="Seconds against image size, on a logarithmic axis. The loops rise steadily, by about four times whenever "
    "the side doubles; F.conv2d lies far below and rises little until the images get large.",
)

# %% [markdown]
# Each step up the vertical axis is ten times as long. Doubling the side makes four times as many windows, and the
# loops pay Python's price for each one. `F.conv2d` does the same sums in compiled code. Notebook 06 closes most of
# the gap with one matrix product.
#
# ## What did we learn?
#
# - One output cell is the **sum of products** of the kernel and the window under it.
# - A window of `k` cells has **`n - k + 1`** places in a row of `n`: steps plus one.
# - Index **[row, column]**; loop over the **output**; take shapes from the tensors, never from the example.
# - Kernels whose weights add up to 0 answer 0 where nothing changes. Results can be **negative**.
# - A mathematician's convolution **turns the kernel**; PyTorch's does not. Only kernels that look the same after half
#   a turn hide the difference, such as the tutorial's. Test with lopsided ones.
#
# **Explain it to someone:** why is the output of a 7 × 7 kernel on a 28 × 28 image 22 × 22, and what would you have to
# do to the image to get 28 × 28 back?
#
# **Next:** 02, channels and batches. Why does a colour image need a kernel with a depth?
