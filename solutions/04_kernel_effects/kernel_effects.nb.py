# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---

# %% [markdown]
# # 04 · What a kernel does, and what lies beyond the border
#
# **After this notebook you can**
#
# - write kernels that find edges, blur and sharpen, in any size, and say what a larger one costs;
# - choose what a window finds beyond the border of a photograph;
# - pool: keep one number for each window.
#
# **You need** notebooks 01 to 03.
#
# **Plan** 60 minutes. Five exercises, three predictions and one question in words, 35 points.

# %%
import torch
from convlab import figures
from convlab.checks import kernel_effects as check
from convlab.data import photo
from convlab.timing import median_seconds
from convlab.widgets import KernelLab
from torch.nn import functional as F


def filtered(x, kernel):
    """The picture x (H, W) under a kernel of odd size, as large as x, over zeros."""
    return F.conv2d(x[None, None], kernel[None, None], padding=len(kernel) // 2)[0, 0]


# %% [markdown]
# ## A kernel that measures a step
#
# Bright above, dark below: a **horizontal edge**. This kernel adds up what lies above its middle row and takes off
# what lies below.

# %%
step = torch.zeros(6, 5)
step[:3] = 1
rough = torch.tensor([[1.0, 1.0, 1.0], [0.0, 0.0, 0.0], [-1.0, -1.0, -1.0]])
figures.grids(
    {"step": step, "kernel": rough, "answer": F.conv2d(step[None, None], rough[None, None])[0, 0]},
    alt="Left, a grid with three rows of ones above three rows of zeros. Middle, a kernel with 1 in its top row, 0 in "
    "its middle row, -1 in its bottom row. Right, the answer: 0, then two rows of 3, then 0.",
)

# %% [markdown]
# It answers 0 where nothing changes and 3 at the edge, though the step is only 1 high.
#
# ### Predict
#
# A tutorial goes on to 5 × 5 and 7 × 7 in the same manner: 1 in all rows above the middle, 0 in the middle row, -1 in
# all rows below. What does its 7 × 7 kernel answer to this step, drawn large enough?
#
# **(a)** 3  **(b)** 7  **(c)** 21  **(d)** 49

# %% nbgrader={"grade": false, "grade_id": "predicted_scale", "locked": false, "schema_version": 3, "solution": true, "task": false}
predicted_scale = None  # "a", "b", "c" or "d"
### BEGIN SOLUTION
predicted_scale = "c"
### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "check_predicted_scale", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
check.predicted_scale(predicted_scale)

# %% [markdown]
# > **Exercise 1 · `edge_kernel`** · difficulty 2 of 5 · 8 minutes · 4 points
#
# Write it so that every size answers the height of the step. Divide by how many bright cells it meets there.

# %% nbgrader={"grade": false, "grade_id": "edge_kernel", "locked": false, "schema_version": 3, "solution": true, "task": false}
def edge_kernel(size, direction):
    """A kernel that answers the height of a step, whatever its size.

    For "horizontal" all rows above the middle one hold +w, the middle row 0, all rows below it -w. For
    "vertical" the same goes for the columns left of the middle one, the middle one, and those right of it.
    w is such that a picture which is 1 above the middle (left of it) and 0 elsewhere is answered with 1.

    Args:
        size: height and width of the kernel, in cells, an odd int of at least 3.
        direction: "horizontal" or "vertical", the direction in which the edges run.

    Returns:
        The kernel, a float32 tensor of shape (size, size).

    Raises:
        ValueError: for an even size, a size below 3, or another direction.

    Example:
        >>> edge_kernel(3, "vertical") * 3
        tensor([[ 1.,  0., -1.],
                [ 1.,  0., -1.],
                [ 1.,  0., -1.]])
    """
    ### BEGIN SOLUTION
    if size < 3 or size % 2 == 0:
        raise ValueError(f"the size must be odd and at least 3, not {size}")
    if direction not in ("horizontal", "vertical"):
        raise ValueError(f"the direction must be 'horizontal' or 'vertical', not {direction!r}")
    half = size // 2
    kernel = torch.zeros(size, size)
    kernel[:half] = 1 / (half * size)
    kernel[half + 1 :] = -1 / (half * size)
    return kernel if direction == "horizontal" else kernel.T.contiguous()
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "check_edge_kernel", "locked": true, "points": 4, "schema_version": 3, "solution": false, "task": false}
check.edge_kernel(edge_kernel)

# %% [markdown]
# <details><summary>Hint 1: where do I start?</summary>
#
# `torch.zeros(size, size)`, then fill the rows above the middle with one number and those below with its negative.
# The middle row is `size // 2`.
#
# </details>
# <details><summary>Hint 2: size 3 is right, larger ones answer too much</summary>
#
# Above the middle lie `size // 2` rows of `size` cells each. You divide by one of the two numbers.
#
# </details>
# <details><summary>Hint 3: the other direction</summary>
#
# `kernel.T` turns rows into columns.
#
# </details>
#
# ## The tutorial's experiment, redrawn
#
# It puts a square and a less bright rectangle under its three kernels, and draws each answer in greys of its own.
# Below, the three share **one** colour scale: first with its weights of 1 and -1, then with yours.
#
# ### Predict
#
# How many times as many multiply-adds as the 3 × 3 kernel does the 7 × 7 kernel need?
#
# **(a)** 7/3 ≈ 2.3  **(b)** 49/9 ≈ 5.4  **(c)** 7 - 3 = 4  **(d)** as many: the output is as large

# %% nbgrader={"grade": false, "grade_id": "predicted_cost", "locked": false, "schema_version": 3, "solution": true, "task": false}
predicted_cost = None  # "a", "b", "c" or "d"
### BEGIN SOLUTION
predicted_cost = "b"
### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "check_predicted_cost", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
check.predicted_cost(predicted_cost)

# %%
shapes = torch.zeros(28, 28)
shapes[10:20, 10:20] = 1
shapes[5:10, 15:25] = 0.8
for weights, alt in {
    "1 and -1": "On one scale the 3 by 3 answer, between -3 and 3, is nearly invisible; the 7 by 7 one reaches 21.",
    "divided": "All three answers are equally strong, 1 at the square's foot. The bands are 2, 4 and 6 rows thick.",
}.items():
    answers = {}
    for k in (3, 5, 7):
        kernel = edge_kernel(k, "horizontal")
        out = filtered(shapes, kernel if weights == "divided" else kernel.sign())
        us = 1e6 * median_seconds(filtered, shapes, kernel, repeats=51)
        answers[f"{k} × {k}, {weights}: {out.min():.2g} to {out.max():.3g}\n{28 * 28 * k * k:,} products, {us:.0f} µs"] = out
    figures.pictures({"square and rectangle\n28 × 28": shapes, **answers}, signed=list(answers), alt=alt)

# %% [markdown]
# The growing answers came from weights that nobody divided. What is left with yours is the **thickness**: a window of
# `k` rows notices an edge from `k - 1` places. And the time? On so few pixels most of it goes into the call itself, and
# PyTorch picks another routine for 3 × 3 than for the others. So measure on a photograph. See too what the three answer
# to a step, to a line one row thin, and to noise.

# %%
camera = photo("camera")[0]
step, line = torch.zeros(2, 28, 28)
step[:14] = line[14] = 1
noise = torch.randn(256, 256, generator=torch.Generator().manual_seed(0))
print("size  step  thin line  noise  multiply-adds on 512 × 512     ms")
for k in (3, 5, 7):
    kernel = edge_kernel(k, "horizontal")
    a, b, c = (filtered(x, kernel)[3:-3, 3:-3] for x in (step, line, noise))
    ms = 1e3 * median_seconds(filtered, camera, kernel, repeats=15)
    print(f"{k:4}  {a.max():4.2f}  {b.max():9.2f}  {c.std():5.2f}  {camera.numel() * k * k:26,}  {ms:5.1f}")
inside = F.pad(edge_kernel(3, "horizontal"), (2, 2, 2, 2))  # 3 × 3 weights with zeros around them
same = torch.allclose(filtered(shapes, inside), filtered(shapes, edge_kernel(3, "horizontal")), atol=1e-6)
print("a 3 × 3 kernel inside a 7 × 7 one answers the same:", same)

# %% [markdown]
# The tutorial concludes that small kernels find details and large ones capture broader patterns. Its pictures cannot
# show that. A larger kernel **can** hold a larger pattern, but its *weights* decide what it answers to: the last line
# tells of a 7 × 7 kernel that does what a 3 × 3 one does. Yours take means of more cells, and a mean forgets: noise, but
# thin lines as well. You pay with multiply-adds. Do they or the milliseconds grow faster?
#
# ## Blur
#
# A blur is a mean over the neighbourhood. The **Gaussian** blur lets near cells count for more: a cell `dy` rows and
# `dx` columns from the centre weighs
#
# $$e^{-(dy^2 + dx^2) / 2\sigma^2}$$
#
# before all weights are divided by their sum. Why divide? A plain wall has to keep its brightness.
#
# > **Exercise 2 · `gaussian_kernel`** · difficulty 2 of 5 · 6 minutes · 4 points

# %% nbgrader={"grade": false, "grade_id": "gaussian_kernel", "locked": false, "schema_version": 3, "solution": true, "task": false}
def gaussian_kernel(size, sigma):
    """Weights that fall off like a bell around the centre and add up to 1.

    Args:
        size: height and width of the kernel, in cells, an int of at least 1. The centre is at
            (size - 1) / 2 on both axes: between two cells where the size is even.
        sigma: width of the bell, in cells, a positive number.

    Returns:
        The kernel, a float32 tensor of shape (size, size).

    Raises:
        ValueError: if sigma is 0 or less.

    Example:
        >>> (16 * gaussian_kernel(3, 0.8493218)).round()
        tensor([[1., 2., 1.],
                [2., 4., 2.],
                [1., 2., 1.]])
    """
    ### BEGIN SOLUTION
    if sigma <= 0:
        raise ValueError(f"sigma must be positive, not {sigma}")
    d = torch.arange(size) - (size - 1) / 2
    kernel = torch.exp(-(d[:, None] ** 2 + d**2) / (2 * sigma**2))
    return kernel / kernel.sum()
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "check_gaussian_kernel", "locked": true, "points": 4, "schema_version": 3, "solution": false, "task": false}
check.gaussian_kernel(gaussian_kernel)

# %% [markdown]
# <details><summary>Hint 1: distances without loops</summary>
#
# `d = torch.arange(size) - (size - 1) / 2` counts from the centre. `d[:, None]` is a column: what shape has
# `d[:, None] + d`?
#
# </details>
# <details><summary>Hint 2: my weights do not add up to 1</summary>
#
# No constant from a book helps, since the bell is cut off. Compute the kernel, then divide it by its own `.sum()`.
#
# </details>
# <details><summary>Hint 3: almost the whole answer</summary>
#
# `torch.exp(-(d[:, None] ** 2 + d ** 2) / (2 * sigma ** 2))`, divided by its sum. The ValueError comes first.
#
# </details>
#
# ## On a photograph
#
# What a blur takes away is detail. Add that detail once more and the picture is **sharper**:
# photo + (photo - blurred), which is one kernel, twice the identity minus the Gaussian.

# %%
small, blur = camera[::2, ::2], gaussian_kernel(7, 1.5)
sharpen = -blur
sharpen[3, 3] += 2
figures.pictures(
    {"photograph": small, "blurred": filtered(small, blur), "sharpened": filtered(small, sharpen).clamp(0, 1)},
    alt="A man with a camera on a tripod in a meadow; the same blurred; the same with crisper outlines. The blurred "
    "picture has a dark rim.",
)
edges = {f"{name} edges": filtered(small, edge_kernel(3, name)) for name in ("horizontal", "vertical")}
figures.pictures(
    edges,
    signed=list(edges),
    alt="Two answers, white where nothing changes. The horizontal kernel draws shoulders and the ground, the vertical "
    "one the tripod's legs, the coat and towers. Both draw lines along some sides of the picture.",
)

# %% [markdown]
# ## Beyond the border
#
# Look at the rims: a dark frame around the blur, edges where the photograph merely ends. There the window hangs over,
# and finds zeros: black. `nn.Conv2d` offers four answers to what lies beyond, by its argument `padding_mode`:
#
# ```text
# zeros      0 0 | a b c d | 0 0
# replicate  a a | a b c d | d d     the edge cell, repeated
# reflect    c b | a b c d | c b     a mirror on the edge cell, which is not repeated
# circular   c d | a b c d | a b     round to the other side
# ```
#
# ### Predict
#
# A plain white picture under `edge_kernel(3, "horizontal")`. In which mode does it answer anything but 0?
#
# **(a)** reflect  **(b)** replicate  **(c)** circular  **(d)** zeros

# %% nbgrader={"grade": false, "grade_id": "predicted_border", "locked": false, "schema_version": 3, "solution": true, "task": false}
predicted_border = None  # "a", "b", "c" or "d"
### BEGIN SOLUTION
predicted_border = "d"
### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "check_predicted_border", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
check.predicted_border(predicted_border)

# %% [markdown]
# > **Exercise 3 · `pad_mode`** · difficulty 3 of 5 · 15 minutes · 10 points
#
# Write all four, without `F.pad`. `pair` is given; you will want it twice more.

# %% nbgrader={"grade": false, "grade_id": "pad_mode", "locked": false, "schema_version": 3, "solution": true, "task": false}
def pair(value):
    """(value, value) for an int; a pair as it is."""
    return (value, value) if isinstance(value, int) else value


def pad_mode(x, p, mode):
    """Put p more cells on every side of a picture.

    Args:
        x: the picture, a tensor of shape (H, W), of any dtype. It is left as it is.
        p: cells to add, an int, or a pair (at top and bottom, at left and right); each at least 0, and for
            "circular" at most the side.
        mode: "zeros", "reflect", "replicate" or "circular".

    Returns:
        A tensor of shape (H + 2 p, W + 2 p), or with each its own p, and of the dtype of x.

    Raises:
        ValueError: for another mode, and for "reflect" where p is not smaller than the side that it
            extends: the mirror has too few cells.

    Example:
        >>> pad_mode(torch.tensor([[1, 2, 3], [4, 5, 6]]), 1, "reflect")
        tensor([[5, 4, 5, 6, 5],
                [2, 1, 2, 3, 2],
                [5, 4, 5, 6, 5],
                [2, 1, 2, 3, 2]])
    """
    ### BEGIN SOLUTION
    if mode not in ("zeros", "reflect", "replicate", "circular"):
        raise ValueError(f"there is no mode {mode!r}")
    (height, width), (top, left) = x.shape, pair(p)
    if mode == "zeros":
        out = x.new_zeros(height + 2 * top, width + 2 * left)
        out[top : top + height, left : left + width] = x
        return out
    if mode == "reflect" and (top >= height or left >= width):
        raise ValueError(f"a picture of {height} x {width} is too small to reflect {top} rows, {left} columns")
    for n, cells in ((height, top), (width, left)):
        i = torch.arange(-cells, n + cells)
        if mode == "reflect":
            i = n - 1 - (n - 1 - i.abs()).abs()
        elif mode == "replicate":
            i = i.clamp(0, n - 1)
        else:
            i = i % n
        x = x[i].T  # first the rows, then the columns, and upright again
    return x
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "check_pad_mode", "locked": true, "points": 10, "schema_version": 3, "solution": false, "task": false}
check.pad_mode(pad_mode)

# %% [markdown]
# <details><summary>Hint 1: where do I start?</summary>
#
# With one axis: pad the rows, then the columns of the result. The corners come by themselves. A list of row numbers is
# an index: `x[torch.tensor([1, 0, 1])]`.
#
# </details>
# <details><summary>Hint 2: which row numbers?</summary>
#
# `i = torch.arange(-p, n + p)` are the places. Turn each into a row of x: 'replicate' cuts off at 0 and `n - 1`
# (`clamp`), 'circular' is a remainder, and for 'reflect' the row of place -2 is 2.
#
# </details>
# <details><summary>Hint 3: the far end of "reflect"</summary>
#
# Beyond the last row, place `n - 1 + a` shows row `n - 1 - a`. The absolute value mirrors at 0: `i.abs()`. Count from
# the other end, `n - 1 - i`, and mirror again.
#
# </details>
#
# ## All four on a photograph
#
# Wide borders, to see what each mode makes of a photograph, and under them what a 7 × 7 kernel answers near the border.

# %%
tiny, modes = camera[::4, ::4], ("zeros", "reflect", "replicate", "circular")
figures.pictures(
    {mode: pad_mode(tiny, 40, mode) for mode in modes},
    windows=dict.fromkeys(modes, (40, 40, 128, 128)),
    alt="The photograph in a wide border, four times: black; its mirror image; its edge pixels drawn out into stripes; "
    "and the photograph itself once more, its sky under its meadow. An outline marks the photograph.",
)
kernel = edge_kernel(7, "horizontal")[None, None]
answers = {mode: F.conv2d(pad_mode(tiny, 3, mode)[None, None], kernel)[0, 0] for mode in modes}
figures.pictures(
    answers,
    signed=modes,
    alt="The answers of the 7 by 7 horizontal edge kernel. With zeros a strong blue band runs along the top and an "
    "orange one along the bottom. With circular both bands are blue and weaker; with reflect and replicate none.",
)

# %% [markdown]
# ## Turn it yourself
#
# The band along the sky is an edge that nobody photographed. Does it come with every kernel? Below, choose 7 × 7, go
# through the paddings and the presets, and watch the outermost rows. Which padding answers exactly 0 on the very first
# row to horizontal edges, and why? Then take "edges of 1 and -1", change the size, and read the scale. Any weight can
# be typed over.

# %%
lab = KernelLab(camera, rough / 3)
lab

# %%
# lab.weight = gaussian_kernel(5, 1.0)  # you can turn it from here as well
mine = pad_mode(lab.photo, len(lab.weight) // 2, lab.padding_mode)
answer = F.conv2d(mine[None, None], lab.weight[None, None])[0, 0]
print("your padding gives what the lab shows:", torch.allclose(answer, lab.output, atol=1e-5))

# %% [markdown]
# ### In your own words · 2 points
#
# A network reads temperature maps of the whole Earth: longitude from left to right, latitude from top to bottom, in
# kelvin (so about 220 to 310). Which padding do you choose at left and right, which at top and bottom, and what would
# zeros do? Two or three sentences, read by your instructor.

# %% [markdown] nbgrader={"grade": true, "grade_id": "explain_border", "locked": false, "points": 2, "schema_version": 3, "solution": true, "task": false}
# Left and right: circular, because the map's two sides are neighbours on the globe. Top and bottom: reflect or
# replicate, because beyond a pole does not lie the other pole. Zeros would look like a ring at 0 kelvin around the
# Earth, hundreds of kelvin below everything else: a huge edge that does not exist, which would swamp what the kernels
# answer near the border.

# %% [markdown]
# ## Pooling
#
# A network does not need an answer for every pixel. **Pooling** lays windows side by side, as a rule without overlap,
# and keeps one number of each: the largest, or the mean. No weights, nothing to learn; each channel by itself.

# %%
tiles = torch.tensor([[1.0, 3.0, 2.0, 0.0], [5.0, 2.0, 1.0, 4.0], [0.0, 1.0, 8.0, 2.0], [2.0, 0.0, 3.0, 7.0]])
figures.grids(
    {"x": tiles, "largest": F.max_pool2d(tiles[None], 2)[0], "mean": F.avg_pool2d(tiles[None], 2)[0]},
    windows={"x": (0, 2, 2, 2), "largest": (0, 1, 1, 1), "mean": (0, 1, 1, 1)},
    alt="A 4 by 4 grid with its top right 2 by 2 window outlined, which holds 2, 0, 1, 4. In the 2 by 2 grid of largest "
    "values that window gives 4, in the grid of means 1.75.",
)

# %% [markdown]
# Windows may hang over here as well. For a maximum, what lies beyond must never win. Is 0 small enough?
#
# > **Exercise 4 · `max_pool2d`** · difficulty 3 of 5 · 12 minutes · 8 points
#
# `F.pad` is allowed from now on: `F.pad(x, (left, right, top, bottom), value=...)`.

# %% nbgrader={"grade": false, "grade_id": "max_pool2d", "locked": false, "schema_version": 3, "solution": true, "task": false}
def max_pool2d(x, kernel_size, stride=None, padding=0):
    """The largest value in every window.

    Args:
        x: one picture, a floating-point tensor of shape (C, H, W), or a batch of shape (N, C, H, W).
        kernel_size: (height, width) of the window, in cells, or an int for both.
        stride: (down, right) from one window to the next, in cells, or an int; None means kernel_size.
        padding: cells beyond the border (at top and bottom, at left and right), or an int; at most half
            of kernel_size. They never win.

    Returns:
        A tensor of shape (C, oH, oW) or (N, C, oH, oW) and of the dtype of x, where oH is
        floor((H + 2 padding - kernel) / stride) + 1 and oW likewise.

    Example:
        >>> max_pool2d(torch.tensor([[[1.0, 3.0, 2.0, 0.0], [5.0, 2.0, 1.0, 4.0]]]), 2)
        tensor([[[5., 4.]]])
    """
    ### BEGIN SOLUTION
    (kH, kW), (pH, pW) = pair(kernel_size), pair(padding)
    sH, sW = pair(kernel_size if stride is None else stride)
    x = F.pad(x, (pW, pW, pH, pH), value=float("-inf"))
    out = x.new_empty(*x.shape[:-2], (x.shape[-2] - kH) // sH + 1, (x.shape[-1] - kW) // sW + 1)
    for i in range(out.shape[-2]):
        for j in range(out.shape[-1]):
            window = x[..., i * sH : i * sH + kH, j * sW : j * sW + kW]
            out[..., i, j] = window.amax(dim=(-2, -1))
    return out
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "check_max_pool2d", "locked": true, "points": 8, "schema_version": 3, "solution": false, "task": false}
check.max_pool2d(max_pool2d)

# %% [markdown]
# <details><summary>Hint 1: three axes or four?</summary>
#
# Count from the end: `x.shape[-2]` is H in both. `x[..., a:b, c:d]` cuts the window out of every channel of every
# picture, and `amax(dim=(-2, -1))` reduces its last two axes.
#
# </details>
# <details><summary>Hint 2: zeros in the output that are not in x</summary>
#
# If all cells under the window are negative, a padded 0 is the largest. `float("-inf")` is smaller than any number.
#
# </details>
# <details><summary>Hint 3: the shape is wrong</summary>
#
# Without a stride, windows lie side by side: `stride = kernel_size`, not 1. After padding, an axis of n cells has
# `(n - k) // s + 1` of them.
#
# </details>
#
# ## Means
#
# The mean is the same walk with one question more: do padded zeros count among the cells that you divide by?
#
# > **Exercise 5 · `avg_pool2d`** · difficulty 3 of 5 · 5 minutes · 4 points

# %% nbgrader={"grade": false, "grade_id": "avg_pool2d", "locked": false, "schema_version": 3, "solution": true, "task": false}
def avg_pool2d(x, kernel_size, stride=None, padding=0, count_include_pad=True):
    """The mean of every window, padded with zeros.

    Args:
        x, kernel_size, stride, padding: as for max_pool2d, x of shape (C, H, W) or (N, C, H, W).
        count_include_pad: True divides by all cells of the window; False only by those that lie on x.

    Returns:
        A tensor of the shape and dtype that max_pool2d gives.

    Example:
        >>> avg_pool2d(torch.tensor([[[1.0, 3.0, 2.0, 0.0], [5.0, 2.0, 1.0, 4.0]]]), 2)
        tensor([[[2.7500, 1.7500]]])
    """
    ### BEGIN SOLUTION
    (kH, kW), (pH, pW) = pair(kernel_size), pair(padding)
    sH, sW = pair(kernel_size if stride is None else stride)
    counted = F.pad(torch.ones_like(x), (pW, pW, pH, pH), value=float(count_include_pad))
    x = F.pad(x, (pW, pW, pH, pH))
    out = x.new_empty(*x.shape[:-2], (x.shape[-2] - kH) // sH + 1, (x.shape[-1] - kW) // sW + 1)
    for i in range(out.shape[-2]):
        for j in range(out.shape[-1]):
            place = (..., slice(i * sH, i * sH + kH), slice(j * sW, j * sW + kW))
            out[..., i, j] = x[place].sum(dim=(-2, -1)) / counted[place].sum(dim=(-2, -1))
    return out
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "check_avg_pool2d", "locked": true, "points": 4, "schema_version": 3, "solution": false, "task": false}
check.avg_pool2d(avg_pool2d)

# %% [markdown]
# <details><summary>Hint 1: reuse</summary>
#
# Copy your `max_pool2d`. Two things change: what you pad with, and what you do with a window.
#
# </details>
# <details><summary>Hint 2: count_include_pad=False</summary>
#
# Pool a second tensor, 1 on every cell of x: its sum in a window is the number of cells to divide by.
#
# </details>
# <details><summary>Hint 3: and True?</summary>
#
# The same, with the padding of that second tensor set to 1: `value=float(count_include_pad)`.
#
# </details>

# %%
coins = photo("coins")
figures.pictures(
    {"coins": coins[0], "largest of 8 × 8": max_pool2d(coins, 8)[0], "mean of 8 × 8": avg_pool2d(coins, 8)[0]},
    alt="A photograph of old coins, and two versions with an eighth of the rows and columns. The largest values make a "
    "bright picture of fat coins, the means a blurred picture of the same brightness.",
)

# %% [markdown]
# The mean is a blur that is read at every eighth place. The maximum keeps the strongest answer, wherever in its window
# it was: after an edge kernel it says "there is an edge somewhere here".
#
# ## What did we learn?
#
# - The **sum of the weights** says what a plain region becomes: 0 for edges, the same brightness for a sum of 1.
# - **Normalise** before you compare sizes. The tutorial's 7 × 7 was loud only because its weights were.
# - The **weights** decide what a kernel looks for; its size, how large a pattern fits. Cost grows with `k²`, time on a
#   small picture less than that.
# - **Zeros** draw an edge around every bright picture. reflect mirrors without repeating the edge, replicate repeats it,
#   circular goes round.
# - Pooling's stride is its **window's size** by default. Max pads with **-inf**; the mean must know whether padding counts.
#
# **Explain it to someone:** a friend's network answers strongly along the border of every photo. What would you look at
# first, and which single argument would you change?
#
# **Next:** 05. Edges at any angle: Gabor kernels, and how to start a layer with them.
