# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---

# %% [markdown]
# # 06 · Fast convolution: one matrix product
#
# **After this notebook you can**
#
# - look at every window of an image without copying a number;
# - turn a convolution into one matrix product, and say what that costs in memory;
# - measure how many times as fast one function is as another, and trust the number.
#
# **You need** notebooks 02 and 03 (a weight of shape (O, C, kH, kW); stride, padding, dilation), and what a product
# of two matrices is.
#
# **Plan** 60 minutes. Four exercises, three predictions and one question in words, 25 points.

# %%
import torch
from convlab import figures
from convlab.checks import fast_convolution as check
from convlab.timing import median_seconds
from convlab.widgets import Conv2dExplorer
from torch.nn import functional as F

# %% [markdown]
# ## Memory is one long line
#
# Loops are slow because Python pays for each window. To get rid of them we need all windows *at once*, as one tensor.
#
# A tensor is a line of numbers in memory, its **storage**, and a note that says how to read it: a shape, and for each
# axis how many numbers to move on in memory for one step along that axis. PyTorch calls this note the tensor's
# **strides**. Mind the word: the stride of a *convolution* counts cells between windows, the strides of a *tensor*
# count numbers in memory.

# %%
x = torch.arange(12.0).reshape(3, 4)
for name, tensor in {"x": x, "x.mT": x.mT, "x[:, 1::2]": x[:, 1::2]}.items():
    shared = tensor.untyped_storage().data_ptr() == x.untyped_storage().data_ptr()
    print(f"{name:11} shape {tuple(tensor.shape)}, strides {tensor.stride()}, in the memory of x: {shared}")

# %% [markdown]
# Transposing moves no number: it writes another note. With `as_strided` you write the note yourself. Here are four
# windows of three cells, cut from a row of six:

# %%
row = torch.arange(6.0)
overlapping = row.as_strided((4, 3), (1, 1))  # one place on: 1 number. One cell on in the window: 1 number
print(overlapping)

# %% [markdown]
# ### Predict
#
# `row` holds 6 numbers, and 12 are printed. How many are in memory now, for both tensors together?
#
# **(a)** 18  **(b)** 12  **(c)** 6  **(d)** 3

# %% nbgrader={"grade": false, "grade_id": "predicted_storage", "locked": false, "schema_version": 3, "solution": true, "task": false}
predicted_storage = None  # "a", "b", "c" or "d"
### BEGIN SOLUTION
predicted_storage = "c"
### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "check_predicted_storage", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
check.predicted_storage(predicted_storage)

# %% [markdown]
# Write one number of the row and see where it turns up:

# %%
row[2] = 100
print(overlapping)

# %% [markdown]
# Such a tensor is a **view**: it costs nothing and shows the numbers of `row` themselves. (Read it only: writing changes
# several windows at once.)
#
# An image has four axes and its windows six: the place and the cell in the window each have a row and a column.
#
# > **Exercise 1 · `windows`** · difficulty 3 of 5 · 15 minutes · 4 points
#
# Use `as_strided`, or `Tensor.unfold`, which makes windows along one axis at a time. No loops, no copies.

# %% nbgrader={"grade": false, "grade_id": "windows", "locked": false, "schema_version": 3, "solution": true, "task": false}
def windows(x, kernel_size, stride):
    """Every window of every channel of every image, as a view of x.

    Args:
        x: the input, a tensor of shape (N, C, H, W), of any dtype, in any layout: it may be a transpose or a slice.
        kernel_size: (kH, kW), the size of a window in cells, at most (H, W).
        stride: (sH, sW), the cells from one window to the next, downwards and to the right.

    Returns:
        A tensor of shape (N, C, H', W', kH, kW) that lies in the memory of x, with H' = (H - kH) // sH + 1 and
        W' likewise. At [n, c, i, j] it holds the window whose top left cell is x[n, c, i * sH, j * sW].

    Example:
        >>> windows(torch.arange(6).reshape(1, 1, 2, 3), (2, 2), (1, 1))[0, 0, 0, 1]
        tensor([[1, 2],
                [4, 5]])
    """
    ### BEGIN SOLUTION
    N, C, H, W = x.shape
    n, c, h, w = x.stride()
    kH, kW = kernel_size
    sH, sW = stride
    places = (H - kH) // sH + 1, (W - kW) // sW + 1
    return x.as_strided((N, C, *places, kH, kW), (n, c, h * sH, w * sW, h, w))
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "check_windows", "locked": true, "points": 4, "schema_version": 3, "solution": false, "task": false}
check.windows(windows)

# %% [markdown]
# <details><summary>Hint 1: where do I start?</summary>
#
# Write down the six axes. For each, ask: one step along it, how many numbers on in memory? For the batch that is
# `x.stride(0)`. One *cell* down inside a window is one row of the image: `x.stride(2)`. One *place* down is several
# rows.
#
# </details>
# <details><summary>Hint 2: "out of bounds for storage"</summary>
#
# Your note points past the end of the memory. Are there too many places (divide by the stride)? Or do the cells of a
# window lie too far apart? The convolution's stride moves the window, it does not spread it.
#
# </details>
# <details><summary>Hint 3: almost the whole answer</summary>
#
# With `n, c, h, w = x.stride()`, the six strides are `(n, c, h * sH, w * sW, h, ...)`. The shape is
# `(N, C, (H - kH) // sH + 1, ..., kH, kW)`.
#
# </details>

# %% [markdown]
# ## Copied on purpose
#
# A view is free, but a processor multiplies fastest when the numbers lie side by side. So we now do copy: each window
# becomes one **column** of a matrix. This is called **im2col**, "image to columns".
#
# ### Predict
#
# A 5 × 5 image and all its 3 × 3 windows at stride 1. How often is the image's middle cell copied?
#
# **(a)** once  **(b)** 3 times  **(c)** 9 times  **(d)** 25 times

# %% nbgrader={"grade": false, "grade_id": "predicted_copies", "locked": false, "schema_version": 3, "solution": true, "task": false}
predicted_copies = None  # "a", "b", "c" or "d"
### BEGIN SOLUTION
predicted_copies = "c"
### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "check_predicted_copies", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
check.predicted_copies(predicted_copies)

# %% [markdown]
# See for yourself: point at an input cell, and the outputs that it feeds light up. Each of them has a window with a
# copy of that cell. How many is it in the middle, in a corner, next to a corner?

# %%
explorer = Conv2dExplorer(torch.arange(1.0, 26).reshape(5, 5), torch.ones(3, 3))
explorer

# %% [markdown]
# In a large image nearly every cell is a middle cell: at stride 1 the columns take about kH · kW times the memory of
# the input.
#
# Here is an image with two channels, the second negative to tell them apart, and its columns for a 2 × 2 kernel. A
# column is one place (row, column). A row is one kernel cell (channel, row, column). The outlined window is the
# outlined column.

# %%
image = torch.stack([torch.arange(1.0, 13).reshape(3, 4), -torch.arange(1.0, 13).reshape(3, 4)])[None]
cells = [f"{c}, {a}, {b}" for c in range(2) for a in range(2) for b in range(2)]
places = [f"{i}, {j}" for i in range(2) for j in range(3)]
figures.grids(
    {"channel 0": image[0, 0], "channel 1": image[0, 1], "columns: 8 × 6": F.unfold(image, (2, 2))[0]},
    windows={"channel 0": (0, 1, 2, 2), "channel 1": (0, 1, 2, 2), "columns: 8 × 6": (0, 1, 8, 1)},
    labels={"columns: 8 × 6": (cells, places)},
    alt="Left, the two channels, 3 by 4: 1 to 12 and -1 to -12, with the window at row 0, column 1 outlined. Right, the "
    "8 by 6 matrix: column (0, 1) holds 2, 3, 6, 7 from channel 0 over -2, -3, -6, -7 from channel 1. The rows go "
    "through the cells of channel 0, then those of channel 1; the columns go through the places row by row.",
)

# %% [markdown]
# > **Exercise 2 · `im2col`** · difficulty 3 of 5 · 12 minutes · 8 points
#
# PyTorch's own im2col is `F.unfold`, which drew the figure. Write it without. `F.pad` is allowed, and so is your
# `windows`.

# %% nbgrader={"grade": false, "grade_id": "im2col", "locked": false, "schema_version": 3, "solution": true, "task": false}
def im2col(x, kernel_size, stride, padding, dilation):
    """The windows of each image as the columns of a matrix, in the order of F.unfold.

    Args:
        x: the input, a tensor of shape (N, C, H, W), of a floating dtype, in any layout.
        kernel_size: (kH, kW), in cells.
        stride: (sH, sW), the cells from one window to the next.
        padding: (pH, pW), rows of zeros above and below, and columns of zeros left and right.
        dilation: (dH, dW), the cells from one kernel cell to the next.

    Returns:
        A tensor of shape (N, C * kH * kW, H' * W'): a row for each kernel cell, channel by channel and then
        row by row, and a column for each of the H' x W' places, row by row.

    Example:
        >>> im2col(torch.arange(6.0).reshape(1, 1, 2, 3), (2, 2), (1, 1), (0, 0), (1, 1))
        tensor([[[0., 1.],
                 [1., 2.],
                 [3., 4.],
                 [4., 5.]]])
    """
    ### BEGIN SOLUTION
    kH, kW = kernel_size
    pH, pW = padding
    dH, dW = dilation
    if any(padding):  # F.pad copies x even where it adds nothing
        x = F.pad(x, (pW, pW, pH, pH))
    cells = windows(x, (dH * (kH - 1) + 1, dW * (kW - 1) + 1), stride)[..., ::dH, ::dW]
    return cells.permute(0, 1, 4, 5, 2, 3).flatten(4).flatten(1, 3)
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "check_im2col", "locked": true, "points": 8, "schema_version": 3, "solution": false, "task": false}
check.im2col(im2col)

# %% [markdown]
# <details><summary>Hint 1: the plan</summary>
#
# Pad, cut the windows, move the axes into the order of rows and columns, flatten. Leave padding and dilation for last;
# half the points need neither.
#
# </details>
# <details><summary>Hint 2: the shape is right, the numbers are not</summary>
#
# `windows` gives the axes (N, C, H', W', kH, kW). The rows want (C, kH, kW), the columns (H', W'). `reshape` cannot
# change that order; `permute` can. Permute first.
#
# </details>
# <details><summary>Hint 3: dilation</summary>
#
# A dilated window is a larger window of which only every d-th cell counts. Cut windows of `d * (k - 1) + 1` cells,
# then keep `[..., ::dH, ::dW]`. And `F.pad(x, (left, right, top, bottom))` starts with the width.
#
# </details>

# %% [markdown]
# ## One product
#
# Each column is a window, laid out as `w[o].flatten()` lays out a filter. So the sum of products for filter `o` at
# one place is row `o` of `w.flatten(1)` times that column. All filters at all places are one matrix product:
#
# $$\underbrace{(O,\; C\,k_H k_W)}_{\text{weight}} \times \underbrace{(C\,k_H k_W,\; H' W')}_{\text{columns}}
# = \underbrace{(O,\; H' W')}_{\text{output}}$$
#
# > **Exercise 3 · `conv2d_im2col`** · difficulty 2 of 5 · 8 minutes · 4 points

# %% nbgrader={"grade": false, "grade_id": "conv2d_im2col", "locked": false, "schema_version": 3, "solution": true, "task": false}
def conv2d_im2col(x, w, b, stride, padding, dilation):
    """A convolution by one matrix product; differentiable in x, w and b.

    Args:
        x: the input, a tensor of shape (N, C, H, W), in any layout.
        w: the weight, a tensor of shape (O, C, kH, kW), in any layout.
        b: the bias, a tensor of shape (O,).
        stride, padding, dilation: pairs for height and width, in cells, as for im2col.

    Returns:
        A tensor of shape (N, O, H', W').

    Example:
        >>> x = torch.arange(6.0).reshape(1, 1, 2, 3)
        >>> conv2d_im2col(x, torch.ones(1, 1, 2, 2), torch.tensor([0.5]), (1, 1), (0, 0), (1, 1))
        tensor([[[[ 8.5000, 12.5000]]]])
    """
    ### BEGIN SOLUTION
    kernel_size = w.shape[2:]
    columns = im2col(x, kernel_size, stride, padding, dilation)
    out = (w.flatten(1) @ columns).add_(b[:, None])  # in place: no second output to write
    width = (x.shape[3] + 2 * padding[1] - dilation[1] * (kernel_size[1] - 1) - 1) // stride[1] + 1
    return out.unflatten(2, (-1, width))
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "check_conv2d_im2col", "locked": true, "points": 4, "schema_version": 3, "solution": false, "task": false}
check.conv2d_im2col(conv2d_im2col)

# %% [markdown]
# <details><summary>Hint 1: the batch</summary>
#
# `@` multiplies a matrix of shape (O, K) with a stack of matrices of shape (N, K, L), one after the other. The result
# is (N, O, L).
#
# </details>
# <details><summary>Hint 2: the bias does not fit</summary>
#
# `b` has shape (O,), and adding lines up the *last* axes, where you have places. Give it a second axis: `b[:, None]`.
#
# </details>
# <details><summary>Hint 3: back to an image</summary>
#
# Work out H' and W' with the formula of notebook 03; then `.reshape(N, O, H', W')`. Where `view` complains about
# strides, `reshape` copies.
#
# </details>

# %% [markdown]
# ## How to measure speed
#
# Did it get faster? Claims about speed are easily wrong, in three ways.
#
# 1. The **first calls** are slow: they take memory, load code, choose an algorithm.
# 2. Some call is slow **by chance**, because the machine did something else. A mean takes that in; a median does not.
# 3. A GPU works **asynchronously**: the call only puts work into a queue.
#
# ```text
# Python  | y = layer(x) |  goes on at once ...
# GPU          | working ............................. | done
# ```
#
# ### Predict
#
# A GPU needs 8 ms for a layer. The call `layer(x)` itself takes 0.05 ms. What does this stopwatch show?
# `start = time.perf_counter(); y = layer(x); print(time.perf_counter() - start)`
#
# **(a)** 8.05 ms  **(b)** 8 ms  **(c)** 0.05 ms  **(d)** it waits for ever

# %% nbgrader={"grade": false, "grade_id": "predicted_stopwatch", "locked": false, "schema_version": 3, "solution": true, "task": false}
predicted_stopwatch = None  # "a", "b", "c" or "d"
### BEGIN SOLUTION
predicted_stopwatch = "c"
### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "check_predicted_stopwatch", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
check.predicted_stopwatch(predicted_stopwatch)

# %% [markdown]
# `torch.accelerator.synchronize()` waits until the queue is empty. Where there is no accelerator it fails, so ask
# `torch.accelerator.is_available()` first.
#
# > **Exercise 4 · `time_ratio`** · difficulty 3 of 5 · 15 minutes · 4 points
#
# The check runs your function on a make-believe machine, on which nothing takes real time: its clock moves only while
# `fn` or `reference` works, and its delays are exaggerated. In the worked example the first three calls of `fn` take
# 2000 s and each one after that 6 ms; those of `reference` 5000 s and 2 ms. The answer is 3.

# %% nbgrader={"grade": false, "grade_id": "time_ratio", "locked": false, "schema_version": 3, "solution": true, "task": false}
import statistics
import time


def time_ratio(fn, reference, x):
    """How many times as long fn(x) takes as reference(x).

    Calls each function three times to warm up, then times at least five calls of each, one by one, with
    time.perf_counter() and no other clock. Where torch.accelerator.is_available(), waits with
    torch.accelerator.synchronize() before it reads the clock.

    Args:
        fn, reference: functions of one tensor.
        x: a tensor of any shape, to call them with.

    Returns:
        The median time of fn(x) over the median time of reference(x), a float without a unit.

    Example:
        >>> ratio = time_ratio(torch.exp, torch.square, torch.ones(3))  # near 1, and different each time
        >>> type(ratio)
        <class 'float'>
    """
    ### BEGIN SOLUTION
    def now():
        if torch.accelerator.is_available():
            torch.accelerator.synchronize()
        return time.perf_counter()

    seconds = {fn: [], reference: []}
    for call in range(3 + 9):
        for function, times in seconds.items():  # in turns: what disturbs one disturbs the other
            start = now()
            function(x)
            end = now()
            if call >= 3:
                times.append(end - start)
    return statistics.median(seconds[fn]) / statistics.median(seconds[reference])
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "check_time_ratio", "locked": true, "points": 4, "schema_version": 3, "solution": false, "task": false}
check.time_ratio(time_ratio)

# %% [markdown]
# <details><summary>Hint 1: the plan</summary>
#
# An inner function gives the median time of *one* function: three calls without a clock, then a loop that appends the
# time of each call to a list, then `statistics.median`. Call it twice and divide.
#
# </details>
# <details><summary>Hint 2: my number is different each time, or absurd</summary>
#
# You read another clock. Write `time.perf_counter()` in full: the check puts its own clock in there. `timeit` and
# `from time import perf_counter` go past it.
#
# </details>
# <details><summary>Hint 3: only "work that goes on after the call" fails</summary>
#
# Wait before each reading of the clock: before the first, so that nothing is left over from earlier; before the
# second, so that the work is done. Only where `torch.accelerator.is_available()`.
#
# </details>

# %% [markdown]
# ## The race
#
# Four ways to the same numbers, for three channels and four 3 × 3 filters: the loops of notebook 02; all windows times
# all filters in one multiplication; im2col; and `F.conv2d`. Guess: how many times as fast as the loops is im2col? Which
# of the four needs most memory?

# %%
def loops(x, w):
    out = torch.zeros(1, len(w), x.shape[2] - 2, x.shape[3] - 2)
    for o in range(out.shape[1]):
        for i in range(out.shape[2]):
            for j in range(out.shape[3]):
                out[0, o, i, j] = (x[0, :, i : i + 3, j : j + 3] * w[o]).sum()
    return out


def windows_times_filters(x, w):
    return (windows(x, (3, 3), (1, 1))[:, None] * w[:, :, None, None]).sum((2, 5, 6))


def one_product(x, w):
    return conv2d_im2col(x, w, torch.zeros(len(w)), (1, 1), (0, 0), (1, 1))


# %%
w = torch.randn(4, 3, 3, 3)
sizes = [8, 16, 32, 64, 128]
ways = {"loops": loops, "windows × filters": windows_times_filters, "im2col": one_product, "F.conv2d": F.conv2d}
inputs = [torch.randn(1, 3, n, n) for n in sizes]
seconds = {name: [median_seconds(way, x, w, repeats=3) for x in inputs] for name, way in ways.items()}
columns = [4 * im2col(x, (3, 3), (1, 1), (0, 0), (1, 1)).numel() for x in inputs]  # a float32 takes 4 bytes
held = {"windows × filters": [4 * n for n in columns], "im2col": columns, "the input": [4 * x.numel() for x in inputs]}
figures.race(
    sizes, seconds, memory=held,
    alt="Left, seconds against image size: the loops rise steeply and end far above the other three; im2col and F.conv2d "
    "lie lowest. Right, bytes: windows times filters lies four times above im2col, which lies about nine times above the input.",
)
print(f"128 × 128: loops / im2col = {seconds['loops'][-1] / seconds['im2col'][-1]:,.0f} in time")
print(f"im2col: {columns[-1]:,} bytes, {columns[-1] / held['the input'][-1]:.2f} times the input")

# %% [markdown]
# No multiplication was saved: all four do the same ones. What changed is *who* does them. The loops call Python for each
# window; one large product is a single call into code that keeps the processor busy.
#
# The price is memory, nearly nine times the input. Tutorials advise large strides and small kernels for speed. The matrix
# says what that saves: 3 × 3 needs 9 rows a channel, 7 × 7 needs 49; stride 2 leaves a quarter of the columns. But that is
# a quarter of the output too: less for less.
#
# Now layers of real networks, with *your* two functions:

# %%
def times_as_long(x, *given):
    return time_ratio(lambda x: conv2d_im2col(x, *given), lambda x: F.conv2d(x, *given), x)


layers = {
    "ResNet-18, first layer": (1, 3, 224, 64, 7, 2),
    "ResNet-50, 1 × 1": (4, 64, 56, 256, 1, 1),
    "ResNet-18, 3 × 3": (4, 128, 28, 128, 3, 1),
    "VGG-16, last block": (1, 512, 14, 512, 3, 1),
}
for name, (n, c, size, filters, k, s) in layers.items():
    x, w, b = torch.randn(n, c, size, size), torch.randn(filters, c, k, k), torch.randn(filters)
    ratio = times_as_long(x, w, b, (s, s), (k // 2, k // 2), (1, 1))
    print(f"{name:22} {filters:3} filters: {ratio:.2f} times as long as F.conv2d")

# %% [markdown]
# Numbers differ between machines, and while others work on yours. Near 1 is remarkable: PyTorch calls a library that
# experts tuned for years.
#
# > **In your own words** · 2 points
#
# On most machines im2col keeps up with `F.conv2d` on the last layer and not on the first. Give the reason. How often is
# each copied number *used* in the product? And what is special about 1 × 1?

# %% [markdown] nbgrader={"grade": true, "grade_id": "why_it_keeps_up", "locked": false, "points": 2, "schema_version": 3, "solution": true, "task": false}
# Each number of the columns is copied once and used once for each filter. With 512 filters the copy is a small part of
# the work; with 64 it is a large part. (1 point)
#
# With a 1 × 1 kernel at stride 1 each cell is in one window only. The columns are the input in another shape: nothing
# needs to be copied. (1 point)

# %% [markdown]
# ## What did we learn?
#
# - A tensor is a **storage and a note**: shape, strides, start. A view is another note on the same numbers.
# - All windows are a view: place strides are cell strides times the convolution's stride. Take them from `x.stride()`.
# - **im2col** copies each window into a column; then a convolution is **one matrix product**.
# - It costs about kH · kW times the input's memory at stride 1, and nothing for 1 × 1.
# - The same multiplications can take a thousand times as long. **Who does them** matters.
# - Measure with **warm-up, synchronisation, median**, and give a ratio: it travels better than seconds.
#
# **Explain it to someone:** the windows of an image fit into no extra memory, their columns take nine times as much.
# How can both hold the same numbers?
#
# **Next:** 07, the backward pass. Each input cell was copied into several columns; how do its gradients come together
# again?
