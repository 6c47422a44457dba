# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---

# %% [markdown]
# # 10 · From layers to a network
#
# **After this notebook you can**
#
# - build a network from its description, trace its shapes, and count its parameters;
# - say what batch norm and dropout do in training and in eval mode;
# - compute which part of an image a cell sees, measure it, and say why the two differ.
#
# **You need** notebooks 02 to 04 (channels, stride, pooling) and 08 (modules, Parameters, state_dict).
#
# **Plan** 80 minutes. Six exercises, three predictions and a question to answer in words, 38 points.

# %%
import math

import torch
from convlab import figures
from convlab.checks import building_cnns as check
from convlab.widgets import ReceptiveFieldStacker
from torch import nn
from torch.nn import functional as F

# %% [markdown]
# ## A network from its description
#
# A tutorial sorts the 32 × 32 colour photos of CIFAR-10 into ten classes, by three **blocks** and a linear layer:
#
# | | channels | rows × columns |
# |---|---|---|
# | image | 3 | 32 × 32 |
# | convolution 3 × 3, padding 1; ReLU; max pool 2 | 16 | 16 × 16 |
# | the same | 32 | 8 × 8 |
# | the same | 64 | 4 × 4 |
# | flatten: one row of 64 · 4 · 4 numbers an image | 1024 | |
# | linear layer: a **logit** for each class | 10 | |
#
# Padding 1 keeps the size under a 3 × 3 kernel, pooling halves it. A logit is a score of either sign; the largest
# names the class. No softmax follows: you will see why.
#
# > **Exercise 1 · `build_simple_cnn`** · difficulty 2 of 5 · 10 minutes · 4 points
#
# Use `nn.Sequential` or a class. The check loads its own weights: names do not matter, the order does.

# %% nbgrader={"grade": false, "grade_id": "build_simple_cnn", "locked": false, "schema_version": 3, "solution": true, "task": false}
def build_simple_cnn():
    """The network of the table above, as a new module.

    Its parameters come in the order in which they are used. An image of another size is refused with an error
    (the linear layer's own will do).

    Args:
        (none)

    Returns:
        An nn.Module. From a tensor of shape (N, 3, 32, 32) it makes logits, a tensor of shape (N, 10).

    Example:
        >>> build_simple_cnn()(torch.zeros(2, 3, 32, 32)).shape
        torch.Size([2, 10])
    """
    ### BEGIN SOLUTION
    layers = []
    for i, o in ((3, 16), (16, 32), (32, 64)):
        layers += [nn.Conv2d(i, o, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2)]
    return nn.Sequential(*layers, nn.Flatten(), nn.Linear(64 * 4 * 4, 10))
    ### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "check_build_simple_cnn", "locked": true, "points": 4, "schema_version": 3, "solution": false, "task": false}
check.build_simple_cnn(build_simple_cnn)

# %% [markdown]
# <details><summary>Hint 1: where do I start?</summary>
#
# `nn.Sequential(nn.Conv2d(3, 16, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), ...)`
#
# </details>
# <details><summary>Hint 2: "mat1 and mat2 shapes cannot be multiplied"</summary>
#
# First, what arrives at the linear layer; second, what it was built for.
#
# </details>
# <details><summary>Hint 3: only "another size" fails</summary>
#
# `nn.Flatten()` or `x.flatten(1)` keeps the batch axis; `view(-1, 1024)` does not.
#
# </details>
#
# ## Watch it run
#
# A layer calls its **hooks** after each of its own calls:
#
# ```python
# handle = layer.register_forward_hook(lambda module, inputs, output: print(output.shape))
# ...
# handle.remove()  # and no more
# ```
#
# > **Exercise 2 · `trace_shapes`** · difficulty 3 of 5 · 15 minutes · 6 points
#
# `model.named_modules()` gives every module inside with its full name: `block1.0` is the first one in `block1`.

# %% nbgrader={"grade": false, "grade_id": "trace_shapes", "locked": false, "schema_version": 3, "solution": true, "task": false}
def trace_shapes(model, x):
    """Call the model on x, and list what its layers gave.

    A layer is a module without modules inside. Functions such as F.relu are no modules, and not listed.
    The model is left as it was: no hooks, the mode (training or eval), parameters and statistics. So that
    no statistics move, the call is made in eval mode.

    Args:
        model: an nn.Module.
        x: what it takes, a tensor whose shape begins with the batch.

    Returns:
        A list with a pair (name, shape) for each call of a layer, in the order of the calls: its name in
        model.named_modules(), and its output's shape as a tuple. Called twice, it is listed twice.

    Example:
        >>> block = nn.Sequential(nn.Conv2d(1, 4, 3), nn.ReLU())
        >>> trace_shapes(nn.Sequential(block, nn.Flatten()), torch.zeros(2, 1, 5, 6))
        [('0.0', (2, 4, 3, 4)), ('0.1', (2, 4, 3, 4)), ('1', (2, 48))]
    """
    ### BEGIN SOLUTION
    lines, handles, was = [], [], model.training

    def watch(name, module):
        handles.append(module.register_forward_hook(lambda *called: lines.append((name, tuple(called[2].shape)))))

    for name, module in model.named_modules():
        if not list(module.children()):
            watch(name, module)
    model.eval()
    model(x)
    model.train(was)
    for handle in handles:
        handle.remove()
    return lines
    ### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "check_trace_shapes", "locked": true, "points": 6, "schema_version": 3, "solution": false, "task": false}
check.trace_shapes(trace_shapes)

# %% [markdown]
# <details><summary>Hint 1: the plan</summary>
#
# Hook every module without `list(module.children())`, keep the handles, call the model, remove them.
#
# </details>
# <details><summary>Hint 2: every line has the same name</summary>
#
# A function looks a loop's variable up later. Bind it: `lambda module, inputs, output, name=name: ...`.
#
# </details>
# <details><summary>Hint 3: "the model left as it was" fails</summary>
#
# `was = model.training` before `model.eval()`, and `model.train(was)` after the call.
#
# </details>

# %%
images = torch.randn(2, 3, 32, 32, generator=torch.Generator().manual_seed(0))
for name, shape in trace_shapes(build_simple_cnn(), images):
    print(f"{name:8}{shape}  {math.prod(shape[1:]):6} numbers an image")

# %% [markdown]
# ## Count by hand
#
# | | out · in · cells | biases | together |
# |---|---|---|---|
# | 3 → 16 | 16·3·9 | 16 | 448 |
# | 16 → 32 | 32·16·9 | 32 | 4640 |
# | 32 → 64 | 64·32·9 | 64 | 18,496 |
# | 1024 → 10 | 10·1024 | 10 | 10,250 |
#
# In all 33,834. ReLU, pooling and flatten have none.
#
# > **Exercise 3 · `count_parameters`** · difficulty 2 of 5 · 8 minutes · 5 points

# %% nbgrader={"grade": false, "grade_id": "count_parameters", "locked": false, "schema_version": 3, "solution": true, "task": false}
def count_parameters(model):
    """How many numbers a model learns.

    A Parameter that several layers share is counted once. Buffers, such as a batch norm's running mean, are
    no parameters.

    Args:
        model: an nn.Module; its parameters are tensors of any shape.

    Returns:
        Two ints, in a tuple: all parameters, and those of them that are trained (requires_grad).

    Example:
        >>> first, frozen = nn.Linear(3, 3), nn.Linear(3, 2).requires_grad_(False)
        >>> count_parameters(nn.Sequential(first, nn.ReLU(), first, frozen))
        (20, 12)
    """
    ### BEGIN SOLUTION
    everything = list(model.parameters())
    return sum(one.numel() for one in everything), sum(one.numel() for one in everything if one.requires_grad)
    ### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "check_count_parameters", "locked": true, "points": 5, "schema_version": 3, "solution": false, "task": false}
check.count_parameters(count_parameters)

# %% [markdown]
# <details><summary>Hint 1: one tensor</summary>
#
# `parameter.numel()` is how many numbers it holds.
#
# </details>
# <details><summary>Hint 2: shared layers fail</summary>
#
# `model.parameters()` lists each Parameter once.
#
# </details>
# <details><summary>Hint 3: almost the whole answer</summary>
#
# `sum(one.numel() for one in model.parameters())`, and with `if one.requires_grad`.
#
# </details>
#
# ## A line that hides mistakes
#
# The tutorial flattens by `x.view(-1, 64 * 4 * 4)`: rows of 1024.
#
# ### Predict
#
# Its network gets two images of **64 × 64**. What comes out?
#
# **(a)** an error  **(b)** shape (2, 10)  **(c)** shape (1, 10)  **(d)** shape (8, 10)

# %% nbgrader={"grade": false, "grade_id": "predicted_batch", "locked": false, "schema_version": 3, "solution": true, "task": false}
predicted_batch = None  # "a", "b", "c" or "d"
### BEGIN SOLUTION
predicted_batch = "d"
### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "check_predicted_batch", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
check.predicted_batch(predicted_batch)

# %%
def tutorial(x):
    """The tutorial's network, with fresh weights."""
    for i, o in ((3, 16), (16, 32), (32, 64)):
        x = F.max_pool2d(F.relu(nn.Conv2d(i, o, 3, padding=1)(x)), 2)
    return nn.Linear(1024, 10)(x.view(-1, 64 * 4 * 4))


large = torch.zeros(2, 3, 64, 64)
print("tutorial:", tuple(tutorial(large).shape))
try:
    print("yours:   ", tuple(build_simple_cnn()(large).shape))
except RuntimeError as error:
    print("yours:    refused,", error)

# %% [markdown]
# Eight answers for two images, each from a quarter of the channels. And a guessed 64 · 8 · 8 makes one row of four
# small images. `flatten(1)` keeps the batch axis, so the linear layer complains.
#
# ## What should an untrained network score?
#
# **Cross-entropy** is minus the logarithm of the right class's probability. `F.cross_entropy` takes **logits** and
# applies the softmax itself.
#
# ### Predict
#
# A fresh network with ten classes. What is its loss, roughly?
#
# **(a)** 0  **(b)** 2.3  **(c)** 0.1  **(d)** 10

# %% nbgrader={"grade": false, "grade_id": "predicted_loss", "locked": false, "schema_version": 3, "solution": true, "task": false}
predicted_loss = None  # "a", "b", "c" or "d"
### BEGIN SOLUTION
predicted_loss = "b"
### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "check_predicted_loss", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
check.predicted_loss(predicted_loss)

# %%
labels = torch.arange(200) % 10
photos = torch.randn(200, 3, 32, 32, generator=torch.Generator().manual_seed(1))
for seed in range(3):
    torch.manual_seed(seed)
    with torch.no_grad():
        print(f"seed {seed}: loss {F.cross_entropy(build_simple_cnn()(photos), labels):.3f}")
print(f"ln 10:  {math.log(10):.3f}")
certain = F.one_hot(labels, 10).float()  # a softmax that is sure and always right
print(f"sure, right, and softmax twice: {F.cross_entropy(certain, labels):.3f}")

# %% [markdown]
# A tenth for each class: $-\ln(1/10) = \ln 10$. A first loss far from it points to a bug. (The next test, one
# batch by heart, comes in 11.) The last line is the price of a softmax in the network: no answer gets below 1.46.
#
# ## Two layers with two modes
#
# **Batch norm** subtracts each channel's mean over *batch and cells*, divides by its standard deviation, then applies
# a learned weight and bias. In training it also keeps a running mean and variance, which **eval** mode uses instead.
# **Dropout**, in training, sets each number to 0 with probability p and divides the rest by 1 - p; in eval mode it
# does nothing.

# %%
norm, drop = nn.BatchNorm2d(1), nn.Dropout(0.5)
x = torch.tensor([2.0, 4.0, 6.0, 8.0]).reshape(4, 1, 1, 1)  # four images, one channel, one cell
torch.manual_seed(7)
rows = [x, norm(x), norm.eval()(x), drop(x), drop.eval()(x)]
figures.grids(
    {"four images": torch.stack([row.flatten() for row in rows]).detach()},
    labels={"four images": (["x", "norm, training", "norm, eval", "dropout, training", "dropout, eval"], "1234")},
    alt="A table of four numbers and what the layers make of them. x: 2, 4, 6, 8. Batch norm in training: -1.34, "
    "-0.447, 0.447, 1.34. Batch norm in eval mode: 1.2, 2.8, 4.39, 5.99. Dropout in training: 4, 8, 0, 0. Dropout in "
    "eval mode: 2, 4, 6, 8.",
)
print(f"running mean {norm.running_mean.item():.2f}, running variance {norm.running_var.item():.2f}")

# %% [markdown]
# Training: mean 5, variance 5. The running ones begin at 0 and 1 and move a tenth of the way, the variance towards
# 20/3 (it divides by n - 1). After *one* batch, eval mode is far off.
#
# ### Predict
#
# A network has both. Photo A goes through it with photo B, then with photo C. In which mode is its answer the same?
#
# **(a)** both  **(b)** training only  **(c)** eval only  **(d)** neither

# %% nbgrader={"grade": false, "grade_id": "predicted_modes", "locked": false, "schema_version": 3, "solution": true, "task": false}
predicted_modes = None  # "a", "b", "c" or "d"
### BEGIN SOLUTION
predicted_modes = "c"
### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "check_predicted_modes", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
check.predicted_modes(predicted_modes)

# %% [markdown]
# ## The larger network
#
# For photos of landmarks the tutorial goes wider:
#
# - three blocks, 3 → 32 → 64 → 128 channels: convolution 3 × 3, padding 1; **batch norm**; ReLU; max pool 2;
# - flatten; linear layer to 512; ReLU; **dropout** of one half; linear layer to `num_classes`.
#
# > **Exercise 4 · `build_landmark_cnn`** · difficulty 3 of 5 · 12 minutes · 6 points

# %% nbgrader={"grade": false, "grade_id": "build_landmark_cnn", "locked": false, "schema_version": 3, "solution": true, "task": false}
def build_landmark_cnn(num_classes):
    """The network described above, as a new module in training mode, every layer with its defaults.

    Its parameters come in the order in which they are used. Images of another size are refused.

    Args:
        num_classes: an int.

    Returns:
        An nn.Module. From a tensor of shape (N, 3, 32, 32) it makes logits, a tensor of shape (N, num_classes).

    Example:
        >>> build_landmark_cnn(7)(torch.zeros(2, 3, 32, 32)).shape
        torch.Size([2, 7])
    """
    ### BEGIN SOLUTION
    layers = []
    for i, o in ((3, 32), (32, 64), (64, 128)):
        layers += [nn.Conv2d(i, o, 3, padding=1), nn.BatchNorm2d(o), nn.ReLU(), nn.MaxPool2d(2)]
    layers += [nn.Flatten(), nn.Linear(128 * 4 * 4, 512), nn.ReLU(), nn.Dropout(0.5), nn.Linear(512, num_classes)]
    return nn.Sequential(*layers)
    ### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "check_build_landmark_cnn", "locked": true, "points": 6, "schema_version": 3, "solution": false, "task": false}
check.build_landmark_cnn(build_landmark_cnn)

# %% [markdown]
# <details><summary>Hint 1: batch norm</summary>
#
# `nn.BatchNorm2d(channels)`: those that the convolution gives.
#
# </details>
# <details><summary>Hint 2: only eval mode fails</summary>
#
# `F.dropout(x)` drops for ever. Use `nn.Dropout(0.5)`, or `F.dropout(x, 0.5, self.training)`.
#
# </details>
# <details><summary>Hint 3: the order of parameters</summary>
#
# In a class, define layers in the order of use: convolution, its batch norm, next convolution.
#
# </details>
#
# Where are the parameters? And the tutorial calls the first block's `relu1` again after `fc1`. What does a trace make
# of it? One block will do:

# %%
model = build_landmark_cnn(10)
print(f"all: {count_parameters(model)[0]:,}; first linear layer: {512 * 2048 + 512:,}")

class Tutorial(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1, self.relu1, self.fc1 = nn.Conv2d(3, 32, 3, padding=1), nn.ReLU(), nn.Linear(32 * 32 * 32, 16)

    def forward(self, x):
        return self.relu1(self.fc1(self.relu1(self.conv1(x)).flatten(1)))

lines = trace_shapes(Tutorial(), images)
print("as a list:", *lines, sep="\n  ")
print("as a dict:", dict(lines))

# %% [markdown]
# The result is right: a ReLU remembers nothing. But a dict by names loses the first call. One module a step
# costs nothing.
#
# Nine tenths of the parameters sit in one linear layer. And the 224 biases before a batch norm are useless: it
# subtracts them with the mean.
#
# ## What does one cell see?
#
# Its **receptive field**. Walk up from the image, along one axis, with three numbers:
#
# - **size**: how many pixels a cell sees;
# - **jump**: how far apart, in pixels, the fields of neighbours are;
# - **start**: where the field of cell 0 begins; negative in the padding.
#
# By hand, for the first network (c: convolution, p: pooling):
#
# | | image | c | p | c | p | c | p |
# |---|---|---|---|---|---|---|---|
# | size | 1 | 3 | 4 | 8 | 10 | 18 | 22 |
# | jump | 1 | 1 | 2 | 2 | 4 | 4 | 8 |
# | start | 0 | -1 | -1 | -3 | -3 | -7 | -7 |
#
# The second c sees 3 cells, 2 pixels apart: 2 · 2 = 4 pixels more. How do padding and dilation enter?
#
# > **Exercise 5 · `receptive_field`** · difficulty 3 of 5 · 12 minutes · 5 points

# %% nbgrader={"grade": false, "grade_id": "receptive_field", "locked": false, "schema_version": 3, "solution": true, "task": false}
def receptive_field(layers):
    """Size, jump and start of the receptive field, along one axis, in pixels.

    Args:
        layers: a list of tuples (kernel_size, stride, padding, dilation) of ints, from the image on. An
            output of shape (n,) has the cells 0 to n - 1.

    Returns:
        (size, jump, start), three ints: cell i sees the pixels start + i * jump to start + i * jump + size - 1.

    Example:
        >>> receptive_field([(3, 1, 1, 1), (2, 2, 0, 1)] * 3)
        (22, 8, -7)
    """
    ### BEGIN SOLUTION
    size, jump, start = 1, 1, 0
    for kernel, stride, padding, dilation in layers:
        size += dilation * (kernel - 1) * jump
        start -= padding * jump
        jump *= stride
    return size, jump, start
    ### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "check_receptive_field", "locked": true, "points": 5, "schema_version": 3, "solution": false, "task": false}
check.receptive_field(receptive_field)

# %% [markdown]
# <details><summary>Hint 1: one layer</summary>
#
# Its window spans dilation · (kernel - 1) + 1 cells, `jump` pixels apart.
#
# </details>
# <details><summary>Hint 2: only strides fail</summary>
#
# First the size grows, by the jump so far; then `jump *= stride`.
#
# </details>
# <details><summary>Hint 3: almost the whole answer</summary>
#
# `size += dilation * (kernel - 1) * jump`, `start -= padding * jump`.
#
# </details>
#
# How many 3 × 3 convolutions at stride 1 see as much as these six layers? Then move the output cell to the border:
# what changes? The bars are its gradient in each pixel, all weights positive.

# %%
stack = [("conv", 3, 1, 1, 1), ("pool", 2, 2, 0, 1)] * 3
stacker = ReceptiveFieldStacker(stack, n=32, cell=2)
print("yours:", receptive_field([numbers for _, *numbers in stack]), "  measured:", stacker.measured)
stacker

# %% [markdown]
# Eleven see 23: each adds 2. At the border, part of the field is padding.
#
# ## Believe it? Measure it
#
# Where the **gradient** of the cell is not zero, the cell sees. But it can be zero for other reasons: a closed ReLU,
# a maximum won elsewhere, a weight of zero, two paths that cancel.
#
# > **Exercise 6 · `measure_receptive_field`** · difficulty 4 of 5 · 20 minutes · 6 points

# %% nbgrader={"grade": false, "grade_id": "measure_receptive_field", "locked": false, "schema_version": 3, "solution": true, "task": false}
import copy

def measure_receptive_field(net, shape):
    """Rows and columns that the middle output cell is connected to, measured from gradients.

    Connected counts, whatever the weights are at the moment: zero weights, closed ReLUs, lost maxima and
    cancellation hide nothing. From the first to the last row (column), gaps included.

    Args:
        net: an nn.Module of convolutions, batch norms, ReLUs, poolings and sums of branches, in any mode; it
            makes a tensor of shape (N, C', H', W') from one of shape (N, C, H, W). It is left as it was.
        shape: (C, H, W), ints; with room for the whole field.

    Returns:
        (rows, columns), two ints.

    Example:
        >>> net = nn.Sequential(nn.Conv2d(1, 4, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(4, 2, 3))
        >>> measure_receptive_field(net, (1, 20, 20))
        (8, 8)
    """
    ### BEGIN SOLUTION
    net = copy.deepcopy(net).eval()
    with torch.no_grad():
        for parameter in net.parameters():
            parameter.fill_(1)
    x = torch.rand(48, *shape, requires_grad=True)
    y = net(x)
    y[:, :, y.shape[2] // 2, y.shape[3] // 2].sum().backward()
    seen = x.grad.sum((0, 1)) > 0
    rows, columns = seen.any(1).nonzero(), seen.any(0).nonzero()
    return (rows[-1] - rows[0] + 1).item(), (columns[-1] - columns[0] + 1).item()
    ### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "check_measure_receptive_field", "locked": true, "points": 6, "schema_version": 3, "solution": false, "task": false}
check.measure_receptive_field(measure_receptive_field)

# %% [markdown]
# <details><summary>Hint 1: the plan</summary>
#
# Copy the net, eval mode, every parameter 1. Many random images; `backward()` from the middle cell.
#
# </details>
# <details><summary>Hint 2: only ReLU and max pooling fail</summary>
#
# One image, one winner a window. Take `torch.rand(48, *shape, requires_grad=True)`, and add the gradients up.
#
# </details>
# <details><summary>Hint 3: from a map to two numbers</summary>
#
# `seen.any(1).nonzero()` lists rows with a gradient. Last - first + 1.
#
# </details>
#
# ## Connected is not the same as important
#
# Now *random* weights: the mean size of the gradient over twenty starts. The theoretical field is outlined.

# %%
def blocks():
    convs = [nn.Conv2d(i, o, 3, padding=1) for i, o in ((3, 16), (16, 32), (32, 64))]
    return nn.Sequential(*(layer for conv in convs for layer in (conv, nn.ReLU(), nn.MaxPool2d(2))))

def gradient_map(build, cell):
    """The mean size of the gradient of output cell (cell, cell) in each pixel; the largest is 1."""
    total = torch.zeros(64, 64)
    for seed in range(20):
        torch.manual_seed(seed)
        x = torch.rand(4, 3, 64, 64, requires_grad=True)
        build()(x)[:, :, cell, cell].sum().backward()
        total += x.grad.abs().sum((0, 1))
    return total / total.max()

# %%
def ten_layers():
    return nn.Sequential(*[nn.Conv2d(16 if i else 3, 16, 3, padding=1) for i in range(10)])

middle, corner, deep = gradient_map(blocks, 4), gradient_map(blocks, 0), gradient_map(ten_layers, 32)
names = ["three blocks, cell (4, 4)", "three blocks, cell (0, 0)", "ten 3 × 3 layers, cell (32, 32)"]
figures.pictures(
    dict(zip(names, (middle, corner, deep), strict=True)),
    windows=dict(zip(names, ((25, 25, 22, 22), (-7, -7, 22, 22), (22, 22, 21, 21)), strict=True)),
    alt="Three dark squares, bright where the gradient is large. Left, a square of 22 by 22 pixels, outlined, with a "
    "bright middle that fades towards its edges. In the middle, the same in the upper left corner, cut off by the "
    "border to 15 by 15. Right, an outline of 21 by 21, of which only the middle, about half as wide, is bright.",
)
for name, one in zip(names, (middle, corner, deep), strict=True):
    rows, seen = one.sum(1), one.any(1).nonzero().flatten()
    print(f"{name}: rows {seen[0]} to {seen[-1]}, last row / largest: {rows[seen[-1]] / rows.max():.2f}")

# %% [markdown]
# Theory holds: nothing lies outside. But the gradient fades like a bell: a pixel in the middle reaches the cell by
# many paths, one in the corner by few. The **effective** field is smaller than the theoretical one, and a smaller
# share of it in a deeper stack (Luo and others, 2016). At the border 15 of 22 rows are left.
#
# > **Question · in words** · 3 points
#
# Twenty 3 × 3 convolutions at stride 1 have a field of 41 pixels. Yet a classmate's network of them fails on objects
# 40 pixels wide. How can that be? Name two changes that enlarge the field, and what each costs.

# %% [markdown] nbgrader={"grade": true, "grade_id": "small_field", "locked": false, "points": 3, "schema_version": 3, "solution": true, "task": false}
# *Model answer.* (1) 41 is the theoretical field; the gradient fades like a bell, so the outer pixels hardly count.
# (1) Stride or pooling early on doubles every later step; it costs resolution. (1) Dilation reaches further with as
# many weights, but leaves gaps. (Or larger kernels, more layers: more weights and time.)

# %% [markdown]
# ## What did we learn?
#
# - **Trace** shapes, never guess. `flatten(1)` keeps the batch, `view(-1, n)` mixes it.
# - **Count** each Parameter once: `model.parameters()`.
# - Return **logits**; cross-entropy brings the softmax. A fresh loss is about ln(classes).
# - **Batch norm** and **dropout** have two modes: `train()` and `eval()`.
# - A layer adds **d · (k - 1) · jump** pixels; strides multiply the jump.
# - What a cell is connected to, positive weights and many images show. What counts is less: a **bell**.
#
# **Explain it to someone:** why does a photo get another answer alone than in a batch, if someone forgot `eval()`?
#
# **Next:** 11, train on all of MNIST.
