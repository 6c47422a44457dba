# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---

# %% [markdown]
# # 05 · A layer that starts on purpose
#
# **After this notebook you can**
#
# - write a Gabor filter from its formula, and a bank that covers every direction once;
# - fill a layer's weights in place, so that autograd and the optimiser do not notice;
# - choose the spread of random weights from the size of the layer, and say why depth punishes a wrong one.
#
# **You need** notebooks 02 and 04 (the shape of a weight; the Gaussian kernel), sine and cosine.
#
# **Plan** 60 minutes. Five exercises, three predictions and a question to answer in words, 30 points.

# %%
import math

import torch
from convlab import figures
from convlab.checks import gabor_init as check
from convlab.data import photo
from convlab.widgets import GaborDesigner
from torch import nn
from torch.nn import functional as F

# %% [markdown]
# ## A wave under a bell
#
# A new layer's weights are random. Can it *start* with good filters instead, and learn from there? Cells early in the
# visual cortex, and first layers of trained networks, look like **Gabor filters**: a wave that fades out under a
# Gaussian bell.
#
# Count $x$ to the right and $y$ down, in cells from the kernel's centre. Turn the axes by $\theta$, then multiply:
#
# $$x' = x\cos\theta + y\sin\theta \qquad y' = -x\sin\theta + y\cos\theta$$
# $$g = \exp\!\Big(-\frac{x'^2 + \gamma^2 y'^2}{2\sigma^2}\Big)\,\cos\!\Big(\frac{2\pi x'}{\lambda} + \psi\Big)$$
#
# $\lambda$ is the length of one wave in cells, $\sigma$ the width of the bell, $\psi$ shifts the wave, and
# $\gamma$ stretches the bell. Angles are in **radians**, as `math.cos` wants them: $\pi$ is half a turn.
# (This is the real part of scikit-image's `gabor_kernel`, without its constant factor.)
#
# ### Predict
#
# At $\theta = 0$ and $\psi = 0$, how do the stripes of the kernel run?
#
# **(a)** from left to right  **(b)** up and down  **(c)** on a slant  **(d)** there are none

# %% nbgrader={"grade": false, "grade_id": "predicted_stripes", "locked": false, "schema_version": 3, "solution": true, "task": false}
predicted_stripes = None  # "a", "b", "c" or "d"
### BEGIN SOLUTION
predicted_stripes = "b"
### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "check_predicted_stripes", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
check.predicted_stripes(predicted_stripes)

# %% [markdown]
# By hand, for 3 × 3 cells, $\theta = 0$, $\lambda = 4$, $\sigma = \gamma = 1$, $\psi = \pi/2$: then $x' = x$,
# $y' = y$. The wave $\cos(\pi x/2 + \pi/2)$ is 1, 0, -1 for $x$ = -1, 0, 1. The bell is $e^0 = 1$ in the middle,
# $e^{-1/2} \approx 0.61$ beside it, $e^{-1} \approx 0.37$ in the corners.

# %%
bell = torch.exp(-torch.tensor([[2.0, 1.0, 2.0], [1.0, 0.0, 1.0], [2.0, 1.0, 2.0]]) / 2)
wave = torch.tensor([[1.0, 0.0, -1.0]]).expand(3, 3)
figures.grids(
    {"bell": bell, "wave": wave, "bell × wave": bell * wave},
    alt="Three 3 by 3 grids. The bell holds 1 in its centre, 0.607 beside it and 0.368 in the corners. The wave "
    "holds 1, 0, -1 in each row. Their product holds 0.368, 0, -0.368 in the outer rows and 0.607, 0, -0.607 in "
    "the middle row.",
)

# %% [markdown]
# You know this filter from notebook 04: it finds vertical edges.
#
# > **Exercise 1 · `gabor_kernel`** · difficulty 3 of 5 · 15 minutes · 6 points
#
# The first line is there: as for `nn.Conv2d`, a size may be a pair (height, width).

# %% nbgrader={"grade": false, "grade_id": "gabor_kernel", "locked": false, "schema_version": 3, "solution": true, "task": false}
def gabor_kernel(size, sigma, theta, lambd, psi, gamma):
    """The Gabor formula above, at every cell of a kernel.

    Args:
        size: an int for a square kernel, or (height, width), in cells. The centre is at (size - 1) / 2,
            between two cells where a size is even.
        sigma: standard deviation of the bell across the stripes, in cells.
        theta: direction across the stripes, in radians; x runs to the right (columns), y down (rows).
        lambd: wavelength, in cells.
        psi: phase of the wave, in radians.
        gamma: factor of y' in the bell, without unit; below 1 the bell is longer than wide.

    Returns:
        A float32 tensor of shape (height, width).

    Example:
        >>> gabor_kernel((1, 3), sigma=1, theta=0, lambd=3, psi=0, gamma=1)
        tensor([[-0.3033,  1.0000, -0.3033]])
    """
    height, width = (size, size) if isinstance(size, int) else size
    ### BEGIN SOLUTION
    x = torch.arange(width) - (width - 1) / 2
    y = (torch.arange(height) - (height - 1) / 2)[:, None]
    across = x * math.cos(theta) + y * math.sin(theta)
    along = -x * math.sin(theta) + y * math.cos(theta)
    bell = torch.exp(-(across**2 + gamma**2 * along**2) / (2 * sigma**2))
    return bell * torch.cos(2 * math.pi * across / lambd + psi)
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "check_gabor_kernel", "locked": true, "points": 6, "schema_version": 3, "solution": false, "task": false}
check.gabor_kernel(gabor_kernel)

# %% [markdown]
# <details><summary>Hint 1: where do x and y come from?</summary>
#
# `torch.arange(width)` counts columns from 0. Subtract the middle, `(width - 1) / 2`. The same for rows.
#
# </details>
# <details><summary>Hint 2: "expected shape (3, 3)" and yours is (3,)</summary>
#
# Make y a column: `y[:, None]` has shape (height, 1). Added to x of shape (width,) it gives (height, width).
#
# </details>
# <details><summary>Hint 3: almost the whole answer</summary>
#
# `across = x * math.cos(theta) + y * math.sin(theta)`, `along` likewise from the second formula; then
# `torch.exp(-(across**2 + (gamma * along)**2) / (...)) * torch.cos(...)`.
#
# </details>

# %% [markdown]
# ## Turn it
#
# Turn $\theta$ in the designer. At which angle does the kernel of 0° come back? Set the phase to 90° and try again.
# Which direction answers loudest to bricks, and why?

# %%
designer = GaborDesigner(photo("brick"), size=11, theta=0.0, lambd=6.0, sigma=2.75)
designer

# %% [markdown]
# At phase 0 it comes back after **half** a turn, because $\cos(-a) = \cos a$; at phase 90° with its sign turned round.
# So `n` directions share $\pi$, not $2\pi$. Loudest is 0°: the wall's longest joints stand upright.
#
# ## A bank
#
# A **bank** holds one filter for each direction. With mean 0, plain brightness gets no answer. With norm 1 (the root
# of the sum of squares), no direction is louder than another.
#
# > **Exercise 2 · `gabor_bank`** · difficulty 2 of 5 · 10 minutes · 4 points

# %% nbgrader={"grade": false, "grade_id": "gabor_bank", "locked": false, "schema_version": 3, "solution": true, "task": false}
def gabor_bank(n, size):
    """Gabor filters in n directions, each with mean 0 and L2 norm 1.

    Filter i is gabor_kernel at theta = i pi / n, with psi = 0, gamma = 1, and with k the longer side of
    the kernel: sigma = k / 4, lambd = (k + 1) / 2.

    Args:
        n: number of directions, an int of at least 1.
        size: an int or (height, width), in cells.

    Returns:
        A float32 tensor of shape (n, height, width).

    Raises:
        ValueError: if a side has fewer than 3 cells. A stripe needs room.

    Example:
        >>> gabor_bank(4, 5).shape
        torch.Size([4, 5, 5])
    """
    height, width = (size, size) if isinstance(size, int) else size
    ### BEGIN SOLUTION
    if min(height, width) < 3:
        raise ValueError(f"a kernel of size {size} has no room for a stripe")
    k = max(height, width)
    bank = torch.stack([gabor_kernel(size, k / 4, i * math.pi / n, (k + 1) / 2, 0, 1) for i in range(n)])
    bank = bank - bank.mean((1, 2), keepdim=True)
    return bank / bank.norm(dim=(1, 2), keepdim=True)
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "check_gabor_bank", "locked": true, "points": 4, "schema_version": 3, "solution": false, "task": false}
check.gabor_bank(gabor_bank)

# %% [markdown]
# <details><summary>Hint 1: one filter first</summary>
#
# Make filter i with `gabor_kernel(...)`, subtract its own `.mean()`, divide by its own `.norm()`. Then a loop over i,
# and `torch.stack` on the list.
#
# </details>
# <details><summary>Hint 2: two filters are the same</summary>
#
# Print your angles. 0 and $\pi$ must not both be there: the last angle is $(n-1)\pi/n$.
#
# </details>
# <details><summary>Hint 3: "the mean is right and the norm is not"</summary>
#
# The order counts. First the mean, then the norm of what is left.
#
# </details>

# %% [markdown]
# ## What a tutorial does
#
# A tutorial that many beginners meet fills sixteen 3 × 3 filters with the wave alone, without a bell:
# $\cos(x\cos\theta + y\sin\theta)$ at $\theta = i\pi/8$ for i = 0 ... 15.
#
# ### Predict
#
# How many **different** filters does the layer get?
#
# **(a)** 16  **(b)** 15  **(c)** 8  **(d)** 4

# %% nbgrader={"grade": false, "grade_id": "predicted_repeats", "locked": false, "schema_version": 3, "solution": true, "task": false}
predicted_repeats = None  # "a", "b", "c" or "d"
### BEGIN SOLUTION
predicted_repeats = "c"
### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "check_predicted_repeats", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
check.predicted_repeats(predicted_repeats)

# %%
x = torch.tensor([[-1.0], [0.0], [1.0]])  # the tutorial calls the row x
turns = [i * math.pi / 8 for i in range(16)]
tutorial = torch.stack([torch.cos(x * math.cos(turn) + x.T * math.sin(turn)) for turn in turns])
print("different filters:", len(tutorial.mul(1000).round().unique(dim=0)))
print("mean of filter 2: ", f"{tutorial[2].mean():.2f}")
figures.filters(
    {
        "tutorial, filters 0 to 7": tutorial[:8],
        "tutorial, filters 8 to 15": tutorial[8:],
        "your bank of eight, 11 × 11": gabor_bank(8, 11),
    },
    alt="Three rows of eight filters. The tutorial's two rows are the same, and positive everywhere. The bank's "
    "filters are clear stripes, a crest between two troughs, each turned by 22.5 degrees against the last.",
)

# %% [markdown]
# Half the layer repeats the other half. And the wave is $2\pi \approx 6.3$ cells long: three cells hold less than half
# of it, so nothing goes below 0. These filters blur more than they find directions. Measure it: show a filter a
# grating (endless stripes), note the largest answer over all phases, and turn the grating.

# %%
angles = range(0, 180, 5)

def shares(kernel, wavelength):
    """The largest answers of a square kernel to a grating at each angle, as shares of the best of them."""
    turned = [math.radians(angle) for angle in angles]
    pairs = [[gabor_kernel(len(kernel), 1e6, one, wavelength, psi, 1) for psi in (0, math.pi / 2)] for one in turned]
    found = [math.hypot((kernel * even).sum(), (kernel * odd).sum()) for even, odd in pairs]
    return [one / max(found) for one in found]

lines = {"tutorial 3 × 3": shares(tutorial[2], 2 * math.pi), "bank 11 × 11": shares(gabor_bank(8, 11)[2], 6)}
figures.curves(
    angles, lines, "angle of the grating, in degrees", "answer, as a share of the best",
    alt="Two filters made for 45 degrees. The tutorial's line stays above 0.7 at all angles. The bank's has a peak "
    "at 45 degrees and is near 0 from 90 degrees on.",
)

# %% [markdown]
# Each filter got its own wavelength. The bank's is nearly deaf to other directions; the tutorial's worst answer is
# still three quarters of its best. What spoils it is its mean of 0.7.
#
# ## Into the layer
#
# The tutorial assigns to `conv.weight.data[...]`. `.data` goes behind autograd's back, and `conv.weight.data = t`
# takes any dtype or shape without a word. Instead, **fill** the Parameter that is there, and tell autograd not to
# record it:
#
# ```python
# with torch.no_grad():
#     conv.weight.copy_(filters)
# ```
#
# An optimiser made before would not know a *new* Parameter. And a convolution adds its channels up (notebook 02):
# three full copies on RGB answer a grey image three times as loudly as one channel.
#
# > **Exercise 3 · `init_gabor_`** · difficulty 3 of 5 · 10 minutes · 6 points

# %% nbgrader={"grade": false, "grade_id": "init_gabor_", "locked": false, "schema_version": 3, "solution": true, "task": false}
def init_gabor_(conv):
    """Fill a layer's weight with a Gabor bank and its bias with zeros, in place.

    The bank has n = min(8, out_channels) directions, in the layer's kernel size; filter i gets direction
    i % n. Every input channel of a filter gets the same copy, divided by the number of channels that the
    filter sees, so that a grey image in all of them gets the answer that one channel would get.

    Args:
        conv: an nn.Conv2d with any channels, groups and dtype; its weight is a tensor of shape
            (out_channels, in_channels / groups, kH, kW), kH and kW of at least 3; its bias may be None.
            Both stay the same Parameter objects, trainable, and of their dtype.

    Example:
        >>> conv = nn.Conv2d(3, 16, 7)
        >>> init_gabor_(conv)
        >>> torch.allclose(conv.weight[9].sum(0), gabor_bank(8, 7)[1], atol=1e-6)
        True
    """
    ### BEGIN SOLUTION
    out, channels = conv.weight.shape[:2]
    n = min(8, out)
    filters = gabor_bank(n, conv.kernel_size)[torch.arange(out) % n]
    with torch.no_grad():
        conv.weight.copy_(filters[:, None] / channels)
        if conv.bias is not None:
            conv.bias.zero_()
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "check_init_gabor_", "locked": true, "points": 6, "schema_version": 3, "solution": false, "task": false}
check.init_gabor_(init_gabor_)

# %% [markdown]
# <details><summary>Hint 1: the plan</summary>
#
# Make the bank with `conv.kernel_size`. Loop over the filters: inside `torch.no_grad()`,
# `conv.weight[i] = bank[i % n] / channels` fills all the channels of filter i at once.
#
# </details>
# <details><summary>Hint 2: "a leaf Variable that requires grad is being used in an in-place operation"</summary>
#
# The lines that write into weight and bias have to stand inside `with torch.no_grad():`.
#
# </details>
# <details><summary>Hint 3: only "groups" fails</summary>
#
# How many channels does one filter see? `conv.weight.shape[1]`, which is `in_channels // groups`. And is there a
# bias at all?
#
# </details>

# %% [markdown]
# ## Random, but how large?
#
# Nobody knows what layer 7 should look for. It starts at random, and then the **spread** decides. One output cell adds
# up **fan-in** products, all the weights of its filter. One input cell meets **fan-out** weights (at stride 1, away
# from the border). A weight of shape (16, 3, 5, 5) has 3 · 5 · 5 = 75 in, 16 · 5 · 5 = 400 out. A linear layer has no
# kernel: one cell.
#
# > **Exercise 4 · `fan_in_fan_out`** · difficulty 2 of 5 · 5 minutes · 4 points
#
# With groups, axis 1 is already `in / groups`; for fan-out, PyTorch ignores them, and so do we.

# %% nbgrader={"grade": false, "grade_id": "fan_in_fan_out", "locked": false, "schema_version": 3, "solution": true, "task": false}
def fan_in_fan_out(weight):
    """How many weights one output adds up, and how many weights of the layer one input meets.

    Args:
        weight: a tensor of shape (out, in) or (out, in, *kernel), with a kernel of any number of axes.

    Returns:
        (in, out), each times the number of kernel cells: a pair of ints.

    Example:
        >>> fan_in_fan_out(torch.zeros(16, 3, 5, 5))
        (75, 400)
    """
    ### BEGIN SOLUTION
    return weight[0].numel(), weight[:, 0].numel()
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "check_fan_in_fan_out", "locked": true, "points": 4, "schema_version": 3, "solution": false, "task": false}
check.fan_in_fan_out(fan_in_fan_out)

# %% [markdown]
# <details><summary>Hint 1: what does one output see?</summary>
#
# One filter, `weight[0]`. Count its numbers.
#
# </details>
# <details><summary>Hint 2: "not enough values to unpack"</summary>
#
# Not every weight has four axes. `math.prod(weight.shape[2:])` is the number of kernel cells, and 1 where there are
# none.
#
# </details>
# <details><summary>Hint 3: almost the whole answer</summary>
#
# `weight[0].numel()` is fan-in. For fan-out, slice the second axis instead: `weight[:, 0]`.
#
# </details>
#
# Add up $f$ inputs, each times a random weight of mean 0 and standard deviation $s$. Variances add, so the sum is
# $s\sqrt{f}$ times as large as the inputs. To keep their size, $s = 1/\sqrt{f}$. A ReLU drops the negative half, and
# half of the power with it: **Kaiming**'s rule (He and others, 2015) makes up for it by a **gain** of $\sqrt 2$.
#
# $$s = \sqrt{2} \, / \sqrt{\text{fan-in}}$$
#
# **Xavier**'s rule (Glorot and Bengio, 2010) has no gain, and takes the mean of both fans.
#
# > **Exercise 5 · `kaiming_normal_`** · difficulty 2 of 5 · 10 minutes · 4 points
#
# Without `torch.nn.init`. The check compares mean, spread and law of thousands of numbers.

# %% nbgrader={"grade": false, "grade_id": "kaiming_normal_", "locked": false, "schema_version": 3, "solution": true, "task": false}
def kaiming_normal_(weight):
    """Fill a weight with normal random numbers of mean 0 and standard deviation sqrt(2 / fan-in), in place.

    Args:
        weight: a Parameter, a tensor of shape (out, in) or (out, in, *kernel). It stays trainable and of its dtype.

    Example:
        >>> weight = nn.Parameter(torch.zeros(64, 32, 3, 3))
        >>> kaiming_normal_(weight)
        >>> f"{weight.std():.2f}"  # sqrt(2 / 288) is 0.083
        '0.08'
    """
    ### BEGIN SOLUTION
    fan_in, _ = fan_in_fan_out(weight)
    with torch.no_grad():
        weight.normal_(0, math.sqrt(2 / fan_in))
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "check_kaiming_normal_", "locked": true, "points": 4, "schema_version": 3, "solution": false, "task": false}
check.kaiming_normal_(kaiming_normal_)

# %% [markdown]
# <details><summary>Hint 1: where do normal numbers come from?</summary>
#
# A tensor can fill itself: `weight.normal_(mean, std)`. It is an in-place change, as in exercise 3.
#
# </details>
# <details><summary>Hint 2: the standard deviation is off</summary>
#
# Is it too small by a factor of 1.4? That is the gain. Much too small? `2 / fan_in` is the variance, and `normal_`
# takes its root.
#
# </details>
# <details><summary>Hint 3: almost the whole answer</summary>
#
# `with torch.no_grad():`, and in it `weight.normal_(0, math.sqrt(2 / ...))`.
#
# </details>
#
# ### Predict
#
# The same tutorial draws weights with a standard deviation of 0.01. Send a signal of size 1 through ten layers,
# each 64 channels to 64, 3 × 3, and a ReLU. How large is it at the end?
#
# **(a)** about 1  **(b)** about 0.1  **(c)** about 0.01  **(d)** less than a millionth

# %% nbgrader={"grade": false, "grade_id": "predicted_depth", "locked": false, "schema_version": 3, "solution": true, "task": false}
predicted_depth = None  # "a", "b", "c" or "d"
### BEGIN SOLUTION
predicted_depth = "d"
### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "check_predicted_depth", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
check.predicted_depth(predicted_depth)

# %%
@torch.no_grad()
def sizes(fill_):
    """The root of the mean square of the signal after each of ten layers whose weights fill_ has filled."""
    torch.manual_seed(0)
    signal, found = torch.randn(4, 64, 16, 16), []
    for _ in range(10):
        conv = nn.Conv2d(64, 64, 3, padding=1, padding_mode="circular", bias=False)
        fill_(conv.weight)
        signal = F.relu(conv(signal))
        found.append(signal.square().mean().sqrt().item())
    return found

# %%
rules = {
    "Kaiming (yours)": kaiming_normal_,
    "Xavier": nn.init.xavier_normal_,
    "PyTorch's default": lambda weight: None,
    "Gaussian, 0.01": lambda weight: nn.init.normal_(weight, std=0.01),
}
lines = {name: sizes(fill_) for name, fill_ in rules.items()}
figures.curves(
    range(1, 11), lines, "layer", "size of the signal", log=True,
    alt="Size of the signal after each of ten layers, on a logarithmic axis. Kaiming's line stays near 1. Xavier's "
    "falls to about 0.03, PyTorch's default to about 0.0001, and the Gaussian with 0.01 to about 0.00000001.",
)

# %% [markdown]
# A factor a layer is a straight line on this axis. Gradients shrink likewise on the way back, and the first layers
# learn nothing. PyTorch's default shrinks as well; normalisation layers (notebook 10) make up for it.
#
# ## Does the bank help?
#
# Brick, grass or gravel? Train on patches from the left half of each photo, test on the right half: the same network,
# several seeds. (Notebooks 10 and 11 explain the training loop.)

# %%
def cut(first, count):
    """count patches of 32 x 32 of each photo, from its 256 columns that begin at first, and their classes."""
    patches = []
    for name in ("brick", "grass", "gravel"):
        half = photo(name)[0, :, first : first + 256]
        half = (half - half.mean()) / half.std()
        for i, j in zip(torch.randint(512 - 31, (count,)), torch.randint(256 - 31, (count,)), strict=True):
            patches.append(half[i : i + 32, j : j + 32])
    return torch.stack(patches)[:, None], torch.arange(3).repeat_interleave(count)


# %%
def accuracy(seed, init_):
    """Share of the test patches that are told right after one epoch, in percent."""
    torch.manual_seed(seed)
    (x, y), (test_x, test_y) = cut(0, 400), cut(256, 200)
    conv = nn.Conv2d(1, 16, 7, stride=2)
    init_(conv)
    net = nn.Sequential(conv, nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(16, 3))
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1, momentum=0.9)
    for batch in torch.randperm(len(x)).split(20):
        optimizer.zero_grad()
        F.cross_entropy(net(x[batch]), y[batch]).backward()
        optimizer.step()
    with torch.no_grad():
        return 100 * (net(test_x).argmax(1) == test_y).float().mean().item()

# %%
def random_filters_(conv):
    """Random filters with mean 0 and norm 1, like the bank's, but without a direction."""
    noise = torch.randn(conv.weight.shape)
    noise -= noise.mean((2, 3), keepdim=True)
    with torch.no_grad():
        conv.weight.copy_(noise / noise.norm(dim=(2, 3), keepdim=True))
        conv.bias.zero_()

# %%
starts = {
    "PyTorch's default": lambda conv: None,
    "random, mean 0, norm 1": random_filters_,
    "Gabor bank": init_gabor_,
}
torch.set_num_threads(1)  # in so small a network threads wait for each other more than they work
results = {name: [accuracy(seed, init_) for seed in range(10)] for name, init_ in starts.items()}
for name, found in results.items():
    print(f"{name:<23}{torch.tensor(found).mean():3.0f} ± {torch.tensor(found).std():.0f} %")
figures.runs(
    results, "test accuracy, %",
    alt="Test accuracy after one epoch for ten seeds each, with mean and standard deviation: the default around "
    "72 percent, random filters of mean 0 and norm 1 around 78, the Gabor bank around 84. The dots overlap.",
)

# %% [markdown]
# Look at the spread before you rejoice: the bank is ahead on average, and the dots overlap. Over forty seeds we found
# 71, 79 and 82 %. So most of the gain is mean 0 and norm 1; the directions add a little. After ten epochs all three
# reach about 95 %: a good start saves time.
#
# > **Question · in words** · 3 points
#
# Why are oriented filters a sensible start for a first layer? And why do we let the network learn its filters anyway,
# instead of freezing the bank? Four to six sentences; use the figure.

# %% [markdown] nbgrader={"grade": true, "grade_id": "why_oriented", "locked": false, "points": 3, "schema_version": 3, "solution": true, "task": false}
# *Model answer.* (1) Images are made of edges and textures, which have a direction. A bank covers every direction once
# and ignores brightness, so later layers get useful differences from the first step on. (1) The right wavelengths,
# colours and shapes depend on the task; the bank has one wavelength, no colours, no corners. Learning adapts it.
# (1) The figure agrees only in part: most of the lead is mean 0 and norm 1, and training makes up for it.

# %% [markdown]
# ## What did we learn?
#
# - A **Gabor filter** is a wave under a bell; $\theta$, in radians, points **across** the stripes.
# - Directions share **half a turn**: $i\pi/n$. The tutorial's sixteen filters are eight, and mostly blur.
# - **Mean 0** ignores brightness, **norm 1** makes the filters comparable.
# - **Fill** parameters in place under `torch.no_grad()`; never put a new one in their place. Divide copies by the
#   number of channels that a filter sees.
# - Random weights need a spread from **fan-in**: $\sqrt{2/\text{fan-in}}$ before a ReLU. Factors multiply with depth.
# - Compare starts over **several seeds**, and with a control.
#
# **Explain it to someone:** a friend's ten-layer network, initialised with `normal_(std=0.01)`, does not learn. What
# would you print first?
#
# **Next:** 06, fast convolution.
