# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---

# %% [markdown]
# # 09 · Grouped, depthwise and transposed convolutions
#
# **After this notebook you can**
#
# - say which channels meet in a layer with groups, and what that saves;
# - count parameters, multiply-accumulates and bytes, and say why the clock does not follow the first two;
# - build MobileNet's block, and turn a convolution round: its shape and its numbers.
#
# **You need** notebooks 02 (the weight's shape), 03 (the shape formula) and 07 (each cell *sends*).
#
# **Plan** 60 minutes. Five exercises and four predictions, 34 points, and one question that your teacher reads,
# 3 points.

# %%
import torch
from convlab import figures
from convlab.checks import grouped_convolutions as check
from convlab.timing import median_seconds
from convlab.widgets import GroupsWiring
from torch import nn
from torch.nn import functional as F

torch.set_num_threads(1)  # one core, so that measured times can be compared

# %% [markdown]
# ## Filters that do not listen to everyone
#
# So far each filter read **all** input channels. With `groups=g` input channels and filters are cut into `g` blocks of
# neighbours, and the filters of a block read only the channels of *their* block.
#
# A tutorial's tip for saving work: `nn.Conv2d(64, 128, 3, padding=1)` has 73,856 parameters, so use groups.
#
# ### Predict
#
# How many parameters has it with `groups=2`?
#
# **(a)** 73,856  **(b)** 36,992  **(c)** 36,928  **(d)** 18,560

# %% nbgrader={"grade": false, "grade_id": "predicted_parameters", "locked": false, "schema_version": 3, "solution": true, "task": false}
predicted_parameters = None  # "a", "b", "c" or "d"
### BEGIN SOLUTION
predicted_parameters = "b"
### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "check_predicted_parameters", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
check.predicted_parameters(predicted_parameters)

# %%
layers = {
    "standard": nn.Conv2d(64, 128, 3, padding=1),
    "2 groups": nn.Conv2d(64, 128, 3, padding=1, groups=2),
    "depthwise": nn.Conv2d(64, 64, 3, padding=1, groups=64),
}
for name, layer in layers.items():
    count = sum(one.numel() for one in layer.parameters())
    print(f"{name:10} weight {tuple(layer.weight.shape)!s:16} {count:7,} parameters")

# %% [markdown]
# The weight's second axis is what a filter reads: **in_channels / groups**. `groups=in_channels` is called
# **depthwise**: one channel a filter. (The tutorial's depthwise layer gives 64 channels, not 128: its 640 parameters do
# less.)
#
# Now with numbers: four channels of one cell each, 1 × 1 kernels, two groups. Which outputs are sums, and of what?

# %%
x = torch.tensor([1.0, 10.0, 100.0, 1000.0]).reshape(1, 4, 1, 1)
w = torch.tensor([[1.0, 1.0], [1.0, -1.0], [1.0, 1.0], [1.0, -1.0]]).reshape(4, 2, 1, 1)
print("channels in: ", x.flatten().tolist())
print("channels out:", F.conv2d(x, w, groups=2).flatten().tolist())

# %% [markdown]
# Filters 0 and 1 know ones and tens, filters 2 and 3 hundreds and thousands.
#
# In the explorer, choose an output channel and move `groups` from 1 to 8. What happens at 3? Then, with two groups, tick
# *a second layer like it*: does an output hear more?

# %%
GroupsWiring(8, 8, groups=2, kernel_size=3, side=32, chosen="out 0")

# %% [markdown]
# > **Exercise 1 · `grouped_conv2d`** · difficulty 3 of 5 · 10 minutes · 6 points
#
# Without PyTorch's convolution. `plain_conv2d` is there for you: every filter reads every channel.

# %% nbgrader={"grade": false, "grade_id": "grouped_conv2d", "locked": false, "schema_version": 3, "solution": true, "task": false}
def plain_conv2d(x, w):
    """An ordinary convolution, stride 1, no padding: (N, C, H, W) and (O, C, kH, kW) give (N, O, H', W')."""
    windows = x.unfold(2, w.shape[2], 1).unfold(3, w.shape[3], 1)  # (N, C, H', W', kH, kW)
    return torch.einsum("nchwab,ocab->nohw", windows, w)


def grouped_conv2d(x, w, b, groups):
    """A convolution whose filters read only the channels of their own group; stride 1, no padding.

    Args:
        x: the images, a tensor of shape (N, C, H, W). It is left as it is.
        w: the weight, a tensor of shape (O, C / groups, kH, kW), of the dtype of x.
        b: the bias, a tensor of shape (O,), or None.
        groups: how many blocks of neighbouring channels there are, an int of at least 1.

    Returns:
        A tensor of shape (N, O, H - kH + 1, W - kW + 1), with the dtype of x.

    Raises:
        ValueError: if groups does not divide C and O.

    Example:
        >>> x = torch.tensor([1.0, 10.0, 100.0, 1000.0]).reshape(1, 4, 1, 1)
        >>> w = torch.tensor([[1.0, 1.0], [1.0, -1.0], [1.0, 1.0], [1.0, -1.0]]).reshape(4, 2, 1, 1)
        >>> grouped_conv2d(x, w, torch.tensor([0.0, 0.0, 0.0, 0.5]), 2).flatten()
        tensor([  11.0000,   -9.0000, 1100.0000, -899.5000])
    """
    ### BEGIN SOLUTION
    if x.shape[1] % groups or w.shape[0] % groups:
        raise ValueError(f"groups={groups} does not divide {x.shape[1]} and {w.shape[0]} channels")
    parts = [plain_conv2d(*blocks) for blocks in zip(x.chunk(groups, dim=1), w.chunk(groups), strict=True)]
    out = torch.cat(parts, dim=1)
    return out if b is None else out + b[:, None, None]
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "check_grouped_conv2d", "locked": true, "points": 6, "schema_version": 3, "solution": false, "task": false}
check.grouped_conv2d(grouped_conv2d)

# %% [markdown]
# <details><summary>Hint 1: the plan</summary>
#
# A group is an ordinary convolution of a block of `x` with a block of `w`. Make each, and join them.
#
# </details>
# <details><summary>Hint 2: where does a block start?</summary>
#
# With `size = C // groups`, group `g` has the channels `g * size : (g + 1) * size`. Filters likewise, with `O // groups`.
#
# </details>
# <details><summary>Hint 3: shapes fail at the end</summary>
#
# Channels are axis 1: `torch.cat(parts, dim=1)`. The bias comes last, once, as `b[:, None, None]`, if there is one.
#
# </details>
#
# ## What does a layer cost?
#
# The unit is a **MAC**, multiply-accumulate: one product, added to a sum. (Counted apart, as FLOPs, they are twice as
# many.) Each output cell adds up `weight[0].numel()` products, and there are out_channels × H' × W' such cells.
#
# > **Exercise 2 · `count_macs`** · difficulty 2 of 5 · 8 minutes · 6 points

# %% nbgrader={"grade": false, "grade_id": "count_macs", "locked": false, "schema_version": 3, "solution": true, "task": false}
def count_macs(layer, hw):
    """Multiply-accumulates of a layer for one image; adding the bias does not count.

    Args:
        layer: an nn.Conv2d, with any stride, padding (pairs of ints), dilation and groups.
        hw: height and width of the image that goes in, in cells, a pair of ints.

    Returns:
        The count, an int.

    Example:
        >>> count_macs(nn.Conv2d(64, 128, 3, padding=1, groups=2), (32, 48))
        56623104
    """
    ### BEGIN SOLUTION
    places = 1
    settings = zip(hw, layer.kernel_size, layer.stride, layer.padding, layer.dilation, strict=True)
    for n, k, s, p, d in settings:
        places *= (n + 2 * p - (d * (k - 1) + 1)) // s + 1
    return layer.out_channels * places * layer.weight[0].numel()
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "check_count_macs", "locked": true, "points": 6, "schema_version": 3, "solution": false, "task": false}
check.count_macs(count_macs)

# %% [markdown]
# <details><summary>Hint 1: three factors</summary>
#
# Output channels × places of the window × products for one output.
#
# </details>
# <details><summary>Hint 2: the places</summary>
#
# The shape formula of notebook 03, for height and width, multiplied. `layer.stride` and its like are pairs.
#
# </details>
# <details><summary>Hint 3: "grouped layers" fails</summary>
#
# A filter reads `layer.in_channels // layer.groups` channels. `layer.weight[0].numel()` has it right already.
#
# </details>
#
# ### Predict
#
# With `groups=64`, `nn.Conv2d(64, 128, 3, padding=1)` does 1/64 of the MACs. How long does it take?
#
# **(a)** about 1/64 of the time  **(b)** clearly more than that, but less than without groups
# **(c)** clearly less: its weight is smaller too  **(d)** as long as without groups

# %% nbgrader={"grade": false, "grade_id": "predicted_time", "locked": false, "schema_version": 3, "solution": true, "task": false}
predicted_time = None  # "a", "b", "c" or "d"
### BEGIN SOLUTION
predicted_time = "b"
### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "check_predicted_time", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
check.predicted_time(predicted_time)


# %%
def best_seconds(layers, x, rounds=5):  # they take turns, so that other programs disturb all alike
    with torch.no_grad():
        times = [[median_seconds(layer, x, repeats=1) for layer in layers] for _ in range(rounds)]
    return [min(column) for column in zip(*times, strict=True)]


layers["pointwise"] = nn.Conv2d(64, 128, 1)
x, large = torch.randn(1, 64, 56, 56), torch.randn(8, 64, 112, 112)
times = [best_seconds(layers.values(), batch, rounds) for batch, rounds in ((x, 5), (large, 3))]
print("           M MACs   MACs a byte |  image of 0.8 MB          |  batch of 26 MB")
for (name, layer), brief, long in zip(layers.items(), *times, strict=True):
    macs, moved = count_macs(layer, (56, 56)), 4 * (x.numel() + layer.weight.numel() + layer(x).numel())
    print(f"{name:10} {macs / 1e6:6.1f} {macs / moved:13.1f} | {1000 * brief:7.2f} ms {macs / brief / 1e9:6.1f} G MACs/s", end="")
    print(f" | {1000 * long:6.0f} ms {32 * macs / long / 1e9:6.1f} G MACs/s")

# %% [markdown]
# A MAC has no fixed price: compare the G MACs a second. Every number has to **arrive** first. The **arithmetic intensity**,
# MACs a byte, says how much work a byte brings along. The standard layer does 86 MACs with each byte: arithmetic sets the
# pace. The depthwise layer does 1, and a processor core can do several in the time that a byte takes from memory. A small
# image stays in the cache, beside the core. A large batch comes from memory, and goes back there: where this was written, the depthwise layer, with 1/128 of the MACs, was less than ten times as fast.
#
# Groups shrink the weight, but the weight was never the bulk. Input and output stay:

# %%
groups = [1, 2, 4, 8, 16, 32, 64]
ladder = [nn.Conv2d(64, 128, 3, padding=1, groups=g) for g in groups]
costs = {
    "MACs": [count_macs(layer, (56, 56)) for layer in ladder],
    "bytes": [4 * (x.numel() + layer.weight.numel() + layer(x).numel()) for layer in ladder],
    "measured time": best_seconds(ladder, x, 30),
}
shares = {name: [value / values[0] for value in values] for name, values in costs.items()}
figures.curves(
    groups, shares, "groups", "share of groups = 1", log=True, doublings=True,
    alt="Three lines against the number of groups, from 1 to 64, as shares of what one group costs. MACs fall in "
    "proportion, down to 1/64. The bytes moved stay above four fifths. The measured time ends far above the MACs.",
)

# %% [markdown]
# A second reason: short sums. A filter that reads one channel adds up 9 products, one that reads 64 adds up 576, and long
# sums keep more multipliers busy. On a quiet machine, in the cache, 64 groups did 1/64 of the MACs in a fifth of the time. **Fewer MACs is a promise; only a measurement keeps it.**
#
# ## Groups never mix, unless you shuffle
#
# ### Predict
#
# Two layers `nn.Conv2d(8, 8, 3, groups=2)`, one after the other. How many of the 8 input channels can change output
# channel 0?
#
# **(a)** 2  **(b)** 4  **(c)** 8  **(d)** 1

# %% nbgrader={"grade": false, "grade_id": "predicted_reach", "locked": false, "schema_version": 3, "solution": true, "task": false}
predicted_reach = None  # "a", "b", "c" or "d"
### BEGIN SOLUTION
predicted_reach = "b"
### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "check_predicted_reach", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
check.predicted_reach(predicted_reach)

# %%
wires = torch.block_diag(torch.ones(4, 4), torch.ones(4, 4))  # [output, input]: 1 where a filter reads a channel
order = torch.arange(8).reshape(2, 4).T.flatten()
print("shuffled:", order.tolist(), " as PyTorch does it:", end=" ")
print(nn.ChannelShuffle(2)(torch.arange(8.0).reshape(1, 8, 1, 1)).flatten().int().tolist())
figures.grids(
    {"one layer": wires, "two layers": wires @ wires, "shuffled in between": wires @ wires[order]},
    alt="How many paths lead from each of 8 input channels, left to right, to each of 8 output channels, top to bottom. "
    "Left, one layer: 1 in two blocks of 4 by 4, 0 elsewhere. Middle, two layers: 4 in the same two blocks, 0 elsewhere. "
    "Right, with a shuffle in between: 2 everywhere.",
)

# %% [markdown]
# Two grouped layers in a row are two networks side by side that never meet. ShuffleNet's remedy costs no MAC: between
# the layers, deal the channels out, one from each group in turn, `0 4 1 5 2 6 3 7`. Now each block of the second layer
# holds channels from *both*. (Tick *shuffle* in the explorer.)
#
# ## MobileNet's block
#
# Another remedy: a depthwise layer looks around within each channel, and a **pointwise** layer, 1 × 1, mixes the channels
# at each cell. For O output channels and a k × k kernel that takes 1/O + 1/k² of the standard layer's MACs.
#
# With a **depth multiplier** `m`, a depthwise layer has `m` filters for each channel, and gives `m` times as many channels.
#
# > **Exercise 3 · `depthwise_separable`** · difficulty 2 of 5 · 8 minutes · 5 points

# %% nbgrader={"grade": false, "grade_id": "depthwise_separable", "locked": false, "schema_version": 3, "solution": true, "task": false}
def depthwise_separable(in_channels, out_channels, kernel_size, multiplier=1):
    """A depthwise layer, then a pointwise one, and nothing in between.

    Args:
        in_channels, out_channels: ints.
        kernel_size: (kH, kW) of the depthwise layer, a pair of odd ints.
        multiplier: how many filters the depthwise layer has for each channel, an int.

    Returns:
        An nn.Module that takes tensors of shape (N, in_channels, H, W) to (N, out_channels, H, W), at stride 1.
        The depthwise layer has no bias, the pointwise layer has one.

    Example:
        >>> block = depthwise_separable(2, 3, (3, 3))
        >>> [tuple(one.shape) for one in block.parameters()]
        [(2, 1, 3, 3), (3, 2, 1, 1), (3,)]
    """
    ### BEGIN SOLUTION
    middle = in_channels * multiplier
    return nn.Sequential(
        nn.Conv2d(in_channels, middle, kernel_size, padding="same", groups=in_channels, bias=False),
        nn.Conv2d(middle, out_channels, 1),
    )
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "check_depthwise_separable", "locked": true, "points": 5, "schema_version": 3, "solution": false, "task": false}
check.depthwise_separable(depthwise_separable)

# %% [markdown]
# <details><summary>Hint 1: the parts</summary>
#
# `nn.Sequential(nn.Conv2d(...), nn.Conv2d(...))`. The first has `groups=in_channels`, the second the kernel size 1.
#
# </details>
# <details><summary>Hint 2: the output is too small, or too large</summary>
#
# `padding="same"` finds the padding for each axis. By hand it is `(kH // 2, kW // 2)`.
#
# </details>
# <details><summary>Hint 3: "a depth multiplier" fails</summary>
#
# Between the layers there are `in_channels * multiplier` channels: the first layer's out, the second one's in.
#
# </details>

# %%
block, standard = depthwise_separable(64, 128, (3, 3)), layers["standard"]
spent = [count_macs(layers[name], (56, 56)) for name in ("standard", "depthwise", "pointwise")]
print("parameters:", *(sum(one.numel() for one in net.parameters()) for net in (standard, block)))
print(f"MACs:       1 / {spent[0] / sum(spent[1:]):.1f}   promised: 1 / {1 / (1 / 128 + 1 / 9):.1f}")
for batch in (x, large):
    whole, split = best_seconds((standard, block), batch, 3)
    print(f"time:       1 / {whole / split:.1f} on a batch of {len(batch)}")
print("share of the block's MACs that the 1 x 1 layer does:", f"{spent[2] / sum(spent[1:]):.0%}")

# %% [markdown]
# An eighth of the work, but not the same layer for less money: it can only do what *space first, channels after* can do.
# On photos that loses little. Nearly all MACs are in the 1 × 1 layer, a single matrix product with longer sums.
#
# ## Turned round: the transposed convolution
#
# Networks that draw must make images **larger**. `F.conv_transpose2d` does; some call it "deconvolution".
#
# ### Predict
#
# `y = F.conv2d(x, w)` with one channel and a 3 × 3 kernel, then `z = F.conv_transpose2d(y, w)`. What is `z`?
#
# **(a)** `x` again  **(b)** as large as `x`, with other numbers  **(c)** `x` again, except at the border
# **(d)** of another size than `x`

# %% nbgrader={"grade": false, "grade_id": "predicted_back", "locked": false, "schema_version": 3, "solution": true, "task": false}
predicted_back = None  # "a", "b", "c" or "d"
### BEGIN SOLUTION
predicted_back = "b"
### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "check_predicted_back", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
check.predicted_back(predicted_back)

# %%
w = torch.tensor([[[[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]]])
basis = torch.eye(12).reshape(12, 1, 3, 4)  # twelve images of 3 x 4, each with a single 1
C = F.conv2d(basis, w).flatten(1).T  # what each of them gives is a column of the matrix
image, y = torch.randn(1, 1, 3, 4, requires_grad=True), torch.randn(1, 1, 2, 2)
out = F.conv2d(image, w)
out.backward(y)
print("C times x is F.conv2d:          ", torch.allclose(C @ image.flatten(), out.flatten()))
print("C.T times y is conv_transpose2d:", torch.allclose(C.T @ y.flatten(), F.conv_transpose2d(y, w).flatten()))
print("and autograd's gradient of x:   ", torch.allclose(image.grad, F.conv_transpose2d(y, w)))
figures.grids(
    {"C: 12 cells to 4": C, "its transpose: 4 cells to 12": C.T},
    alt="Left, a matrix of 4 rows and 12 columns. Each row holds the weights 1 2 3, a zero, and 4 5 6, in another "
    "place, and zeros elsewhere. Right, the same numbers with rows and columns exchanged: 12 rows and 4 columns.",
)

# %% [markdown]
# A convolution is a matrix product: row by row, the window in its places. The **transposed** convolution multiplies by that
# matrix with rows and columns exchanged. It turns the *wiring* round, not the *effect*. In notebook 07 it carried gradients
# back.
#
# The size, solved for the other side: `n` cells send windows that start `s` apart, so `(n - 1) * s` steps plus one window's
# span. Padding was a frame around the image; going back, it is cut off: `- 2 * p`.
#
# One snag: with kernel 3, stride 2 and padding 1, 13 cells give 7, and so do 14. Back from 7, PyTorch takes the smaller.
# **`output_padding`** asks for more: so many cells are added at the *end*.
#
# > **Exercise 4 · `transposed_output_size`** · difficulty 2 of 5 · 8 minutes · 5 points

# %% nbgrader={"grade": false, "grade_id": "transposed_output_size", "locked": false, "schema_version": 3, "solution": true, "task": false}
def transposed_output_size(n, kernel_size, stride, padding, output_padding, dilation):
    """Size of a transposed convolution's output along one axis, without running one.

    Args:
        n: size of what goes in, in cells, an int.
        kernel_size, stride, padding, output_padding, dilation: for this axis, in cells, each an int.

    Returns:
        The size, an int.

    Example:
        >>> transposed_output_size(7, 3, 2, 1, 1, 1)
        14
    """
    ### BEGIN SOLUTION
    return (n - 1) * stride + dilation * (kernel_size - 1) + 1 - 2 * padding + output_padding
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "check_transposed_output_size", "locked": true, "points": 5, "schema_version": 3, "solution": false, "task": false}
check.transposed_output_size(transposed_output_size)

# %% [markdown]
# <details><summary>Hint 1: draw it</summary>
#
# Seven windows of three cells, each two cells after the one before. Where does the last one end?
#
# </details>
# <details><summary>Hint 2: four terms</summary>
#
# Steps times stride, plus the span, minus the frame on both sides, plus output_padding.
#
# </details>
# <details><summary>Hint 3: only "dilation" fails</summary>
#
# The span of a dilated kernel is `dilation * (kernel_size - 1) + 1`.
#
# </details>
#
# > **Exercise 5 · `conv_transpose2d`** · difficulty 4 of 5 · 15 minutes · 8 points
#
# Each cell of `x` sends a copy of the kernel, times its own number, into the output; where copies overlap they **add up**.
# Without PyTorch's convolutions, `F.fold` or autograd. Mind the weight: it is the *forward* layer's, so now its **first**
# axis counts the channels that come in.

# %% nbgrader={"grade": false, "grade_id": "conv_transpose2d", "locked": false, "schema_version": 3, "solution": true, "task": false}
def conv_transpose2d(x, w, stride, padding):
    """The transposed convolution, without bias.

    Args:
        x: a tensor of shape (N, I, H, W). It is left as it is.
        w: the weight, a tensor of shape (I, O, kH, kW), of the dtype of x.
        stride: (sH, sW), how many cells apart the copies of the kernel start.
        padding: (pH, pW), cells cut off above and below, and on the left and right.

    Returns:
        A tensor of shape (N, O, (H - 1) * sH + kH - 2 * pH, (W - 1) * sW + kW - 2 * pW), with the dtype of x.

    Example:
        >>> w = torch.tensor([[[[1.0, 10.0, 100.0]]]])
        >>> conv_transpose2d(torch.tensor([[[[1.0, 2.0], [3.0, 4.0]]]]), w, (2, 2), (0, 0))
        tensor([[[[  1.,  10., 102.,  20., 200.],
                  [  0.,   0.,   0.,   0.,   0.],
                  [  3.,  30., 304.,  40., 400.]]]])
    """
    ### BEGIN SOLUTION
    (H, W), (kH, kW), (sH, sW), (pH, pW) = x.shape[2:], w.shape[2:], stride, padding
    out = x.new_zeros(len(x), w.shape[1], (H - 1) * sH + kH, (W - 1) * sW + kW)
    for a in range(kH):
        for b in range(kW):
            sent = torch.einsum("nihw,io->nohw", x, w[:, :, a, b])
            out[:, :, a : a + sH * H : sH, b : b + sW * W : sW] += sent
    return out[:, :, pH : out.shape[2] - pH, pW : out.shape[3] - pW]
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "check_conv_transpose2d", "locked": true, "points": 8, "schema_version": 3, "solution": false, "task": false}
check.conv_transpose2d(conv_transpose2d)

# %% [markdown]
# <details><summary>Hint 1: the plan</summary>
#
# Zeros as large as the output *before* it is cut. Cell (i, j) adds to the rows from `i * sH`, columns from `j * sW`. Cut the
# frame off last.
#
# </details>
# <details><summary>Hint 2: which einsum?</summary>
#
# For one cell: `torch.einsum("ni,ioab->noab", x[:, :, i, j], w)`, a copy of the kernel for each image. Use `+=`.
#
# </details>
# <details><summary>Hint 3: "an axis without padding" fails</summary>
#
# `[p:-p]` is empty at p = 0. Write `out[:, :, pH : out.shape[2] - pH, ...]`.
#
# </details>
#
# ## Checkerboards
#
# Send ones through a kernel of ones: each output cell counts how many copies reach it.

# %%
ones = torch.ones(1, 1, 4, 4)
counts = {f"kernel {k}, stride 2": conv_transpose2d(ones, torch.ones(1, 1, k, k), (2, 2), (0, 0))[0, 0] for k in (3, 4)}
figures.grids(
    counts,
    alt="How many copies reach each cell. Left, kernel 3 at stride 2: inside, the counts 1, 2 and 4 alternate like a "
    "checkerboard. Right, kernel 4 at stride 2: 4 everywhere inside; only the outer two rows and columns get fewer.",
)

# %% [markdown]
# Where the stride does not divide the kernel, some cells are reached more often than others, and generated images show
# it. Remedies: a kernel that the stride divides, or enlarge first and convolve afterwards.
#
# ### For your teacher · 3 points
#
# Sam replaces a network's 3 × 3 layers by your `depthwise_separable`. The MACs fall to an eighth, the time of a training
# step only to two thirds. Explain with arithmetic intensity why that can be, name one more reason, and say what
# you would measure to tell the two apart.

# %% [markdown] nbgrader={"grade": true, "grade_id": "explain_time", "locked": false, "points": 3, "schema_version": 3, "solution": true, "task": false}
# (1) The depthwise layer does about one MAC for each byte, so it waits for memory. Input and output are as large as
# before, and there is one more tensor to write and read: the one in between. (2) Short sums use the processor badly, or: two
# calls in place of one, or: batch norm, ReLU, loading data and optimiser have not become cheaper. (3) Time each layer by itself,
# beside a mere copy of its input: if they take about as long, it is the memory; if the layer takes far longer, it is the
# short sums. A profile of the whole step shows what is outside the convolutions. One point each.

# %% [markdown]
# ## What did we learn?
#
# - **Groups** are blocks of neighbouring channels. A filter reads in_channels / groups of them; biases stay.
# - A **MAC** is counted at the output: channels × places × what one filter reads.
# - Time follows MACs only where there is much arithmetic a **byte**. Input and output do not shrink with groups.
# - Groups never mix: **shuffle**, or follow with a **1 × 1** layer. Depthwise and pointwise make MobileNet's block.
# - **Transposed** means the matrix's transpose: the same weights, sent instead of fetched. It gives back the shape, not the
#   numbers; `output_padding` chooses among the shapes.
#
# **Explain it to someone:** why does a layer with a hundredth of the arithmetic not take a hundredth of the time?
#
# **Next:** 10, building CNNs. What does a unit deep in a network see?
