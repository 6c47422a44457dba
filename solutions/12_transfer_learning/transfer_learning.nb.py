# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---

# %% [markdown]
# # 12 · Transfer learning: a few hundred photos are enough
#
# **After this notebook you can**
#
# - put a new head on a network that was trained on a million photos, and train only that;
# - run the trunk once and keep its features, or fine-tune it with a learning rate of its own;
# - say which of the two is worth it, and what goes wrong on the way.
#
# **You need** notebooks 10 (batch norm, modules) and 11 (training, eval mode).
#
# **Plan** 80 minutes. Seven exercises and three predictions, 37 points, and one question that your teacher reads, 3
# points.
#
# ## 600 flowers
#
# Five kinds, 120 photos of each. That is little: notebook 11 had 6,000 digits of each kind, and they are easier. So we
# borrow: a **backbone**, trained on ImageNet's 1.28 million photos of 1,000 kinds of things. The first run downloads
# the photos (229 MB) and the weights (45 MB).
#
# Photos of your own? One folder for each class, all in one folder: name that below.

# %%
import sys
import time

import torch
from convlab import figures, training, transfer
from convlab.checks import transfer_learning as check
from convlab.widgets import MistakeBrowser, TrainingDashboard
from IPython.display import display
from torch import nn
from torch.utils.data import DataLoader, TensorDataset
from tqdm import tqdm

# %%
folder = None  # or your own: "my_photos", which holds "my_photos/cats", "my_photos/dogs", ...
net, photos = transfer.materials(folder)
train, test = photos.split(seed=0)
print(f"{net.name}. {len(train)} photos to learn from, {len(test)} for the test, {tuple(photos.images.shape[1:])}")
some = train[torch.linspace(0, len(train) - 1, 12).long()]
names = [photos.classes[label] for label in photos.labels[some].tolist()]
figures.gallery(photos.images[some] / 255, names, alt="Twelve square training photos, each under its class: "
                + ", ".join(names) + ".")

# %% [markdown]
# ## What can be borrowed
#
# The first layers of such a network find edges and colours, later ones patterns and parts. All photos have those,
# whatever they show. Only the last layer, the **head**, is about ImageNet's 1,000 kinds. What comes before it, the
# **trunk**, turns a photo into a few hundred numbers, its **features**.
#
# A tutorial writes `resnet18(pretrained=True)`. Since 2022 torchvision asks *which* weights:
#
# ```python
# from torchvision.models import ResNet18_Weights, resnet18
#
# model = resnet18(weights=ResNet18_Weights.IMAGENET1K_V1)  # random weights: weights=None
# ```
#
# Here `net.build(True)` makes one with ImageNet's weights, `net.build(False)` one with random weights. (If the
# download failed, a line above says which other backbone stands in. Everything below works with it too.)
#
# Look at the first convolution, the **stem**.

# %%
stem = net.build(True).get_submodule(net.stem)
print(stem)
turns = torch.arange(16)[:, None, None] * torch.pi / 16
rows, columns = torch.arange(-3.0, 4)[:, None], torch.arange(-3.0, 4)
waves = torch.cos(2 * torch.pi * (columns * turns.cos() + rows * turns.sin()) / 4)
gabor = (waves * torch.exp(-(rows**2 + columns**2) / 8))[:, None].expand(-1, 3, -1, -1)
tiles = [0.5 + one / (2 * one.abs().max()) for one in (*gabor, *stem.weight.detach())]
figures.gallery(tiles, [""] * len(tiles), columns=16, alt="First row: sixteen Gabor filters in grey, stripes that turn "
                f"step by step. Below: the {len(stem.weight)} filters of the stem in colour.")

# %% [markdown]
# The first row is notebook 05's Gabor bank, made by formula; below it is what training made. ResNet-18's 7 × 7 filters
# include stripes in many directions, as in the bank, and blobs of colour against colour. (3 × 3 filters, of the other
# backbone, have room for an edge or a spot.)
#
# ## As it was trained
#
# A trunk knows images as it saw them in training: pixels divided by 255, each channel minus a mean, over a standard
# deviation. The tutorial leaves this out. Nothing crashes then: fed with raw pixels, 0 to 255, the network from the
# package index ends this notebook at 68 % instead of 88.
#
# > **Exercise 1 · `prepare`** · difficulty 1 of 5 · 5 minutes · 3 points


# %% nbgrader={"grade": false, "grade_id": "prepare", "locked": false, "schema_version": 3, "solution": true, "task": false}
def prepare(images, mean, std):
    """Normalise photos as the network was trained: per channel (pixel / 255 - mean) / std.

    Args:
        images: a uint8 tensor of shape (N, 3, H, W), pixels from 0 to 255. It is left as it is.
        mean, std: three floats each, one for each channel, meant for pixels from 0 to 1.

    Returns:
        A float32 tensor of shape (N, 3, H, W).

    Example:
        >>> white = torch.full((1, 3, 1, 1), 255, dtype=torch.uint8)
        >>> prepare(white, (0.5, 0.5, 0.4), (0.5, 0.25, 0.3)).flatten().tolist()
        [1.0, 2.0, 2.0]
    """
    ### BEGIN SOLUTION
    mean, std = (torch.tensor(values).view(3, 1, 1) for values in (mean, std))
    return (images / 255 - mean) / std
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "check_prepare", "locked": true, "points": 3, "schema_version": 3, "solution": false, "task": false}
check.prepare(prepare)

# %% [markdown]
# <details><summary>Hint 1: three numbers, four axes</summary>
#
# `torch.tensor(mean).view(3, 1, 1)` stretches along rows and columns, as notebook 02's bias did.
#
# </details>
# <details><summary>Hint 2: all values are far too small, or too large</summary>
#
# First divide by 255. Mean and std belong to pixels from 0 to 1.
#
# </details>
# <details><summary>Hint 3: almost the whole answer</summary>
#
# `(images / 255 - mean) / std`, both as in hint 1.
#
# </details>
#
# ## Freeze
#
# The tutorial freezes like this: `for param in resnet.parameters(): param.requires_grad = False`. That is half of it.
# Batch norm has running means and variances too. They are **buffers**, not parameters, and move in every forward pass
# in training mode, gradients or not.
#
# > **Exercise 2 · `freeze`** · difficulty 2 of 5 · 8 minutes · 5 points


# %% nbgrader={"grade": false, "grade_id": "freeze", "locked": false, "schema_version": 3, "solution": true, "task": false}
def freeze(model):
    """Make a model stand still, in place: no parameter gets a gradient, no forward pass changes a buffer.

    Args:
        model: an nn.Module, with batch norm and dropout perhaps, of any shape and depth.

    Returns:
        The same model. A tensor of images, shape (N, 3, H, W), now gets the same answer every time.

    Example:
        >>> model = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4))
        >>> freeze(model) is model, any(one.requires_grad for one in model.parameters()), model.training
        (True, False, False)
    """
    ### BEGIN SOLUTION
    return model.requires_grad_(False).eval()
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "check_freeze", "locked": true, "points": 5, "schema_version": 3, "solution": false, "task": false}
check.freeze(freeze)

# %% [markdown]
# <details><summary>Hint 1: all parameters</summary>
#
# `model.parameters()` gives all of them, however deep, biases too. Set `requires_grad` on each.
#
# </details>
# <details><summary>Hint 2: the statistics still move</summary>
#
# In eval mode batch norm uses its running statistics and leaves them alone.
#
# </details>
# <details><summary>Hint 3: almost the whole answer</summary>
#
# `model.requires_grad_(False)` with its underscore does the loop for you; `model.eval()` does the rest. Return the
# model.
#
# </details>
#
# Beware: `model.train()`, the first line of notebook 11's `train_epoch`, sets the statistics free again.
#
# ## A new head
#
# ### Predict
#
# ResNet-18 has 11,689,512 parameters. Its head maps 512 features to 1,000 classes. Freeze everything, then put in a
# head for 5 classes. How many numbers are trained?
#
# **(a)** 11,179,077  **(b)** 2,565  **(c)** 2,560  **(d)** 513,000
#
# > **Exercise 3 · `replace_head`** · difficulty 3 of 5 · 12 minutes · 6 points
#
# ResNet calls its head `fc`, others `classifier`; do not rely on the name. `model.named_modules()` gives every name
# and module, however deep; `model.set_submodule(name, module)` puts another one there.

# %% nbgrader={"grade": false, "grade_id": "predicted_trainable", "locked": false, "schema_version": 3, "solution": true, "task": false}
predicted_trainable = None  # "a", "b", "c" or "d"
### BEGIN SOLUTION
predicted_trainable = "b"
### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "check_predicted_trainable", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
check.predicted_trainable(predicted_trainable)


# %% nbgrader={"grade": false, "grade_id": "replace_head", "locked": false, "schema_version": 3, "solution": true, "task": false}
def replace_head(model, n):
    """Put a new linear layer for n classes in the place of a model's last linear layer, in place.

    The new one has a bias and torch's initial weights, and trains. It takes as many features as the old one, and has
    its name, dtype and device. All else stays as it is; what was frozen stays frozen.

    Args:
        model: an nn.Module. Its last nn.Linear, in the order of named_modules(), is the head.
        n: how many classes, an int.

    Returns:
        The same model, whose answers now have the shape (N, n).

    Example:
        >>> model = replace_head(nn.Sequential(nn.Linear(8, 4), nn.ReLU(), nn.Linear(4, 1000)), 5)
        >>> model[2], model(torch.zeros(2, 8)).shape
        (Linear(in_features=4, out_features=5, bias=True), torch.Size([2, 5]))
    """
    ### BEGIN SOLUTION
    linear = [pair for pair in model.named_modules() if isinstance(pair[1], nn.Linear)]
    name, old = linear[-1]
    new = nn.Linear(old.in_features, n, dtype=old.weight.dtype, device=old.weight.device)
    model.set_submodule(name, new)
    return model
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "check_replace_head", "locked": true, "points": 6, "schema_version": 3, "solution": false, "task": false}
check.replace_head(replace_head)

# %% [markdown]
# <details><summary>Hint 1: find it</summary>
#
# `[(name, layer) for name, layer in model.named_modules() if isinstance(layer, nn.Linear)][-1]`
#
# </details>
# <details><summary>Hint 2: shapes do not fit</summary>
#
# The new layer takes `old.in_features`, whatever they are, and stands *instead of* the old one, not after it.
#
# </details>
# <details><summary>Hint 3: only dtype or device fails</summary>
#
# `nn.Linear(..., dtype=old.weight.dtype, device=old.weight.device)`
#
# </details>
#
# An optimiser should get what trains, and no more.
#
# > **Exercise 4 · `trainable_parameters`** · difficulty 1 of 5 · 5 minutes · 3 points


# %% nbgrader={"grade": false, "grade_id": "trainable_parameters", "locked": false, "schema_version": 3, "solution": true, "task": false}
def trainable_parameters(model):
    """The parameters that require gradients, for an optimiser.

    Args:
        model: an nn.Module; some of its layers may be frozen, some used in two places.

    Returns:
        A list of parameters, tensors of any shape (not of names), each once, in the order of model.parameters().

    Example:
        >>> model = nn.Sequential(nn.Linear(8, 4).requires_grad_(False), nn.Linear(4, 2))
        >>> [tuple(one.shape) for one in trainable_parameters(model)]
        [(2, 4), (2,)]
    """
    ### BEGIN SOLUTION
    return [one for one in model.parameters() if one.requires_grad]
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "check_trainable_parameters", "locked": true, "points": 3, "schema_version": 3, "solution": false, "task": false}
check.trainable_parameters(trainable_parameters)

# %%
classes = len(photos.classes)
model = replace_head(freeze(net.build(True)), classes)
trained = trainable_parameters(model)
print(f"{len(trained)} tensors are trained, {sum(one.numel() for one in trained):,} numbers,")
print(f"of {sum(one.numel() for one in model.parameters()):,} in {net.name}")

# %% [markdown]
# <details><summary>Hint 1: who is asked?</summary>
#
# Each parameter knows whether it trains: `one.requires_grad`.
#
# </details>
# <details><summary>Hint 2: one comes twice</summary>
#
# `model.parameters()` goes all the way down by itself and gives a shared parameter once. No second loop over layers.
#
# </details>
# <details><summary>Hint 3: almost the whole answer</summary>
#
# `[one for one in model.parameters() if ...]`
#
# </details>
#
# The tutorial prints `len(trainable_params)`, which is 2, and calls it the number of trainable parameters. Those are
# two *tensors*, a weight and a bias. `numel()` counts the numbers.
#
# ## Run the trunk once
#
# A frozen trunk gives the same features for the same photo, in every epoch. So compute them once and keep them. The
# new head is then a linear layer on a small table, a **linear probe**.
#
# ### Predict
#
# The head trains for 30 epochs. How much less work has the trunk, if it runs once and not in every epoch?
#
# **(a)** none is saved  **(b)** 3 times  **(c)** 30 times  **(d)** 4,500 times
#
# > **Exercise 5 · `extract_features`** · difficulty 3 of 5 · 12 minutes · 6 points

# %% nbgrader={"grade": false, "grade_id": "predicted_cost", "locked": false, "schema_version": 3, "solution": true, "task": false}
predicted_cost = None  # "a", "b", "c" or "d"
### BEGIN SOLUTION
predicted_cost = "c"
### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "check_predicted_cost", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
check.predicted_cost(predicted_cost)


# %% nbgrader={"grade": false, "grade_id": "extract_features", "locked": false, "schema_version": 3, "solution": true, "task": false}
def extract_features(model, loader):
    """Run a trunk over all photos once, in eval mode and without gradients.

    Args:
        model: the trunk, an nn.Module that makes features, shape (N, D), of images. Afterwards it is in the mode,
            training or eval, in which it came.
        loader: gives batches (images, labels), tensors of shape (N, 3, H, W) and (N,); N may change. Loop over it
            once only: it may shuffle.

    Returns:
        (features, labels): tensors of shape (N of all batches, D) and (N of all batches,), in the loader's order; a head
        can be trained on them (so torch.no_grad, not torch.inference_mode).

    Example:
        >>> batches = [(torch.ones(2, 3, 4, 4), torch.tensor([7, 8])), (torch.zeros(1, 3, 4, 4), torch.tensor([9]))]
        >>> features, labels = extract_features(nn.Flatten(), batches)
        >>> features.shape, labels.tolist()
        (torch.Size([3, 48]), [7, 8, 9])
    """
    ### BEGIN SOLUTION
    was_training = model.training
    model.eval()
    with torch.no_grad():
        pairs = [(model(images), labels) for images, labels in loader]
    model.train(was_training)
    features, labels = zip(*pairs, strict=True)
    return torch.cat(features), torch.cat(labels)
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "check_extract_features", "locked": true, "points": 6, "schema_version": 3, "solution": false, "task": false}
check.extract_features(extract_features)

# %%
device = training.budget().device
x, y = prepare(photos.images, net.mean, net.std).to(device), photos.labels.to(device)
batches = tqdm(DataLoader(TensorDataset(x, y), 50), f"{net.name} on {device}", unit="batch", file=sys.stdout)
start = time.perf_counter()
features, _ = extract_features(net.trunk().to(device), batches)
print(f"features {tuple(features.shape)}, mean {features.mean():.2f}")
trunk_seconds = time.perf_counter() - start

# %%
def run(model, parameters, x, seed, *augment):
    """Train while the dashboard watches: the test accuracy after each epoch. Stop leaves it as it is then."""
    for loss, accuracy in transfer.fit(model, parameters, x, y, photos.split(seed), *augment):
        if not dashboard.update(loss, accuracy):
            break
    dashboard.close_run()
    return dashboard.accuracies + [accuracy] * (transfer.EPOCHS - len(dashboard.accuracies))

# %%
heads, curves = [], {"frozen": []}
display(dashboard := TrainingDashboard(transfer.EPOCHS))
start = time.perf_counter()
for seed in range(transfer.SEEDS):
    torch.manual_seed(seed)
    heads.append(nn.Linear(features.shape[1], classes).to(device))
    curves["frozen"].append(run(heads[-1], trainable_parameters(heads[-1]), features, seed))
head_seconds = (time.perf_counter() - start) / transfer.SEEDS
once, every = (head_seconds + passes * trunk_seconds for passes in (1, transfer.EPOCHS))
print("test accuracy, one split and one start a seed:", ", ".join(f"{run[-1]:.1%}" for run in curves["frozen"]))
print(f"the trunk once: {once:.1f} s; in all {transfer.EPOCHS} epochs: {every:.1f} s, {every / once:.0f} times as long")

# %% [markdown]
# <details><summary>Hint 1: one batch</summary>
#
# `with torch.no_grad(): model(images)`. Collect features and labels in two lists.
#
# </details>
# <details><summary>Hint 2: labels do not fit the features</summary>
#
# Take both in the same pass. A second pass over a shuffling loader comes in another order.
#
# </details>
# <details><summary>Hint 3: only the mode fails</summary>
#
# `was_training = model.training`, then `model.eval()`, and at the end `model.train(was_training)`.
#
# </details>
#
# Expect **84 to 92 %** for the flowers with the backbone from the package index (so it was with 20 seeds, mean 87.7 %;
# with a trunk of random weights 38 %). Each seed draws its own 200 test photos, and luck alone moves the result by
# some percent. One number from one split hides that. (A program that marks your notebook downloads nothing: textures,
# an untrained network, poor accuracies. Your points do not depend on it.)
#
# Where is it wrong? Compare with what *you* see.

# %%
images, labels = photos.images[test] / 255, photos.labels[test]
logits = heads[0](features[test]).detach().cpu()
counts = torch.bincount(classes * labels + logits.argmax(1), minlength=classes**2).view(classes, classes)
figures.confusion(
    counts, photos.classes,
    alt=f"Counts of true against predicted classes. {counts.trace()} of {len(test)} lie on the diagonal.",
)
MistakeBrowser(images, labels, logits, photos.classes)

# %% [markdown]
# ## Let the trunk learn too
#
# **Fine-tuning** trains everything, from ImageNet's weights on. The head is new and needs long steps. The trunk is
# good already, and long steps would wipe out what it knows. An optimiser takes **parameter groups**, each with its own
# rate:
#
# ```python
# torch.optim.Adam([{"params": [...], "lr": 0.01}, {"params": [...], "lr": 0.001}])
# ```
#
# ### Predict
#
# The same network and 400 photos. Which is best on the test photos?
#
# **(a)** frozen features, far ahead  **(b)** all trained from scratch, from random weights  **(c)** about the same
# **(d)** both only guess: ImageNet is about other classes
#
# > **Exercise 6 · `parameter_groups`** · difficulty 4 of 5 · 15 minutes · 6 points

# %% nbgrader={"grade": false, "grade_id": "predicted_scratch", "locked": false, "schema_version": 3, "solution": true, "task": false}
predicted_scratch = None  # "a", "b", "c" or "d"
### BEGIN SOLUTION
predicted_scratch = "a"
### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "check_predicted_scratch", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
check.predicted_scratch(predicted_scratch)


# %% nbgrader={"grade": false, "grade_id": "parameter_groups", "locked": false, "schema_version": 3, "solution": true, "task": false}
def parameter_groups(model, lrs):
    """Sort a model's trainable parameters into groups with a learning rate each, by their names.

    A prefix fits a name if it is the name, or its first parts: "layer1" fits "layer1.0.weight", not "layer10.weight".
    "" fits every name. Where several fit, the longest counts.

    Args:
        model: an nn.Module; see model.named_parameters(). Frozen parameters are in no group.
        lrs: a dict of prefixes and learning rates, such as {"fc": 1e-2, "layer4": 1e-3, "": 1e-4}.

    Returns:
        A list of dicts {"params": [parameters, tensors of any shape], "lr": rate}, in the order of lrs, without empty
        groups.

    Raises:
        ValueError: no prefix fits a trainable parameter; the message says which.

    Example:
        >>> model = nn.Sequential(nn.Linear(8, 4), nn.Linear(4, 2))
        >>> [(len(group["params"]), group["lr"]) for group in parameter_groups(model, {"1": 0.1, "": 0.01})]
        [(2, 0.1), (2, 0.01)]
    """
    ### BEGIN SOLUTION
    groups = {prefix: [] for prefix in lrs}
    for name, one in model.named_parameters():
        if one.requires_grad:
            fitting = [prefix for prefix in lrs if prefix == "" or f"{name}.".startswith(f"{prefix}.")]
            if not fitting:
                raise ValueError(f"no learning rate for {name}")
            groups[max(fitting, key=len)].append(one)
    return [{"params": params, "lr": lrs[prefix]} for prefix, params in groups.items() if params]
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "check_parameter_groups", "locked": true, "points": 6, "schema_version": 3, "solution": false, "task": false}
check.parameter_groups(parameter_groups)

# %%
head_rate, trunk_rate = transfer.WAYS["fine-tuned, two rates"]
for group in parameter_groups(replace_head(net.build(True), classes), {net.head: head_rate, "": trunk_rate}):
    print(f"{sum(one.numel() for one in group['params']):>10,} numbers at {group['lr']:g}")
if device == "cuda":
    display(dashboard := TrainingDashboard(transfer.EPOCHS))
    for way, (head_rate, trunk_rate) in list(transfer.WAYS.items())[1:]:
        curves[way] = []
        for seed in range(transfer.SEEDS):
            torch.manual_seed(seed)
            model = replace_head(net.build(way != "from scratch"), classes).to(device)
            groups = parameter_groups(model, {net.head: head_rate, "": trunk_rate})
            curves[way].append(run(model, groups, x, seed, transfer.mirrored))
else:
    curves = transfer.recorded(curves)

# %%
ends = {way: torch.tensor(runs)[:, -1] for way, runs in curves.items()}
said = "; ".join(f"{way} {end.mean():.1%} ± {end.std():.1%}" for way, end in ends.items())
print(said)
figures.repeated(
    range(1, transfer.EPOCHS + 1), curves, "epoch", "accuracy on the test photos",
    alt=f"Test accuracy over {transfer.EPOCHS} epochs, mean and standard deviation of {transfer.SEEDS} seeds. "
    f"After the last: {said}.",
)

# %% [markdown]
# [All that came out of this notebook on a GPU](../convlab/recorded/12_transfer_learning.md) was kept.
#
# <details><summary>Hint 1: where do I start?</summary>
#
# A list for each prefix. Walk through `model.named_parameters()`, skip what is frozen, and find the prefixes that fit.
#
# </details>
# <details><summary>Hint 2: "layer1" takes "layer10" too</summary>
#
# Compare whole parts: does `name + "."` start with `prefix + "."`? The empty prefix fits always.
#
# </details>
# <details><summary>Hint 3: the longest</summary>
#
# `max(fitting, key=len)`; if `fitting` is empty, `raise ValueError(...)` with the name.
#
# </details>
#
# Frozen features are near their best after a few epochs, a second of work. From scratch, 400 photos are not enough:
# the network learns them by heart and little else. With one rate that suits the head, fine-tuning wipes out much of
# what the trunk knew, and has to learn it again from your few photos. With a rate of its own the trunk keeps it.
#
# Which wins, frozen or fine-tuned with two rates? Look at the bars: a difference smaller than they are is no
# difference. Fine-tuning pays with more photos, or with photos unlike ImageNet's. Try frozen first.
#
# ## Grey photos
#
# An X-ray has one channel; the stem wants three. Repeating it three times works, at three times the memory. Better: a
# stem for one channel that gives *exactly the same*. A convolution sums over its channels; if they are all equal, what
# must the one weight be?
#
# > **Exercise 7 · `adapt_stem`** · difficulty 3 of 5 · 10 minutes · 5 points


# %% nbgrader={"grade": false, "grade_id": "adapt_stem", "locked": false, "schema_version": 3, "solution": true, "task": false}
import copy


def adapt_stem(conv):
    """A stem for grey images that gives what `conv` gives for the same image in three equal channels.

    Every setting but in_channels is that of conv: stride, padding and its mode, dilation, bias, dtype. conv is left
    as it is, and shares no memory with the new one.

    Args:
        conv: an nn.Conv2d with in_channels=3, groups=1 and weight of shape (O, 3, kH, kW).

    Returns:
        A new nn.Conv2d with in_channels=1 and weight of shape (O, 1, kH, kW), for tensors of shape (N, 1, H, W).

    Example:
        >>> conv = nn.Conv2d(3, 8, 5, stride=2, padding=2)
        >>> image = torch.rand(1, 1, 9, 9)
        >>> torch.allclose(adapt_stem(conv)(image), conv(image.repeat(1, 3, 1, 1)), atol=1e-5)
        True
    """
    ### BEGIN SOLUTION
    grey = copy.deepcopy(conv)
    grey.in_channels = 1
    grey.weight = nn.Parameter(conv.weight.detach().sum(1, keepdim=True))
    return grey
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "check_adapt_stem", "locked": true, "points": 5, "schema_version": 3, "solution": false, "task": false}
check.adapt_stem(adapt_stem)

# %%
grey = photos.images[test].float().mean(1, keepdim=True) / 255
grey = ((grey - sum(net.mean) / 3) / (sum(net.std) / 3)).to(device)
trunk = net.trunk().to(device)
three, _ = extract_features(trunk, [(grey[:20].expand(-1, 3, -1, -1), y[test[:20]])])
trunk.set_submodule(net.stem, adapt_stem(trunk.get_submodule(net.stem)))
one, labels = extract_features(trunk, DataLoader(TensorDataset(grey, y[test]), 50))
print(f"one channel against three, largest difference: {(one[:20] - three).abs().max():.0e}")
for name, given in {"in colour": features[test], "in grey": one}.items():
    hits = heads[0](given).argmax(1) == labels
    print(f"the head that learned in colour, on test photos {name}: {hits.float().mean():.1%}")

# %% [markdown]
# <details><summary>Hint 1: write it out</summary>
#
# $w_R x + w_G x + w_B x = (w_R + w_G + w_B)\,x$. A sum, not a mean.
#
# </details>
# <details><summary>Hint 2: a setting is lost</summary>
#
# `copy.deepcopy(conv)` keeps them all. Then set `in_channels` and `weight`.
#
# </details>
# <details><summary>Hint 3: almost the whole answer</summary>
#
# `nn.Parameter(conv.weight.detach().sum(1, keepdim=True))`; the bias stays.
#
# </details>
#
# The two stems agree up to rounding. What is lost in grey is colour itself, which the head had come to rely on.
#
# ### For your teacher · 3 points
#
# A biologist has 250 microscope photos, in grey, of four kinds of cells. Which of the four ways would you try first,
# how would you prepare the photos, and what would you measure before you believe the result?

# %% [markdown] nbgrader={"grade": true, "grade_id": "biologist", "locked": false, "points": 3, "schema_version": 3, "solution": true, "task": false}
# *Model answer.* (1) Frozen features and a new head first: with 250 photos it is safe and takes seconds; then
# fine-tune with a small rate for the trunk, because such photos are unlike ImageNet's; not from scratch. (1) Scale and
# normalise as the backbone was trained, the stem adapted to one channel. (1) Accuracy over several splits and seeds,
# with their spread, photos of one slide never on both sides, and the confusion matrix: which kinds are mixed up?

# %% [markdown]
# ## What did we learn?
#
# - **Features transfer**: a million photos taught the trunk edges, patterns and parts, which yours have too.
# - **Prepare** photos as the network was trained. Nothing crashes if you do not.
# - **Freeze** parameters *and* batch norm's statistics: no gradients, and eval mode.
# - A frozen trunk runs **once**. The price: no new mirrored or shifted copies in each epoch.
# - **Fine-tune** with a small learning rate for the trunk and a larger one for the new head.
# - Few photos mean much luck: repeat over **seeds** and show the spread.
#
# **Explain it to someone:** why does a network that has never been asked about tulips tell them from roses after a
# second of training?
#
# **Next:** 13, speed on a GPU. The same training, tens of times faster.
