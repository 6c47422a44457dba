# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---

# %% [markdown]
# # 07 · Backward
#
# **After this notebook you can**
#
# - derive the gradients of a convolution in its bias, weight and input, from a picture;
# - say why the kernel comes back flipped, and a stride as zeros;
# - prove a gradient right, with finite differences and `gradcheck`.
#
# **You need** notebooks 02 and 03, and that a gradient says how fast the loss rises when a number does.
#
# **Plan** 60 minutes. Four exercises, two predictions and one question in your own words, 33 points.

# %%
import torch
from convlab import figures
from convlab.checks import backward as check
from convlab.widgets import Conv2dExplorer
from torch import nn
from torch.nn import functional as F

# %% [markdown]
# ## What a layer is asked
#
# Tutorials write `loss.backward()` and move on. Inside, a network works from the end backwards. What reaches a layer is
# the **upstream gradient** `g`: for each number of its *output*, how fast the loss `L` rises with it. The layer answers
# with three gradients:
#
# - in its **bias** and its **weight**, so that they can learn;
# - in its **input**, which is the `g` of the layer below.
#
# To study one layer we need no network: choose any `g` and take `L = (out * g).sum()`, which rises with each output as
# fast as `g` says. Here is a layer with stride 2.

# %%
x = torch.tensor([[[[1.0, 2, 0, 3, 1], [0, 1, 3, 1, 2], [2, 0, 1, 4, 0], [1, 3, 2, 0, 5]]]])
w = torch.tensor([[[[1.0, 0, -2], [3, -1, 2]]]])
g = torch.tensor([[[[2.0, -1], [1, 3]]]])
out = F.conv2d(x, w, stride=2)
print("L =", (out * g).sum().item())
figures.grids(
    {"input x": x[0, 0], "weight w": w[0, 0], "out": out[0, 0], "g": g[0, 0]},
    alt="The input x with 4 rows and 5 columns, the weight w with 2 rows and 3 columns, the output with 2 rows and 2 "
    "columns, and the upstream gradient g, 2, -1 over 1, 3, of the same shape as the output.",
)

# %% [markdown]
# ## A gradient by hand
#
# How fast does `L` rise with the weight in row 0, column 1? Ask it: nudge that weight up, nudge it down, compare.

# %%
def loss(w):
    return (F.conv2d(x, w, stride=2) * g).sum()


nudge = torch.zeros_like(w)
nudge[0, 0, 0, 1] = 0.01
print(f"a little more: {loss(w + nudge):.2f}")
print(f"a little less: {loss(w - nudge):.2f}")
print(f"slope: {(loss(w + nudge) - loss(w - nudge)) / 0.02:.2f}")

# %% [markdown]
# This is a **finite difference**. It needs no theory, so it can judge any theory. But it takes two forward passes for
# *one* number. Keep that number in mind.
#
# ## The bias
#
# Raise the bias of output channel `o` a little: **every** output of that channel rises by as much, in all places and
# all images. Each moves `L` by its own `g`:
#
# $$\frac{\partial L}{\partial b[o]}=\sum_{n,i,j}g[n,o,i,j]$$
#
# **What is used in many places gets the sum of what each place sends back.** Keep this rule.
#
# > **Exercise 1 · `grad_bias`** · difficulty 1 of 5 · 5 minutes · 3 points

# %% nbgrader={"grade": false, "grade_id": "grad_bias", "locked": false, "schema_version": 3, "solution": true, "task": false}
def grad_bias(g):
    """Gradient of the loss in the bias.

    Args:
        g: the upstream gradient, a tensor of shape (N, O, H', W').

    Returns:
        A tensor of shape (O,).

    Example:
        >>> grad_bias(torch.tensor([[[[1.0, 2.0], [3.0, 4.0]]]]))
        tensor([10.])
    """
    ### BEGIN SOLUTION
    return g.sum((0, 2, 3))
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "check_grad_bias", "locked": true, "points": 3, "schema_version": 3, "solution": false, "task": false}
check.grad_bias(grad_bias)

# %% [markdown]
# <details><summary>Hint 1: where do I start?</summary>
#
# Which axis of `g` must survive? Add up the others.
#
# </details>
# <details><summary>Hint 2: the shape is wrong</summary>
#
# One number for each output channel: shape `(O,)`.
#
# </details>
# <details><summary>Hint 3: almost the whole answer</summary>
#
# `g.sum((0, ...))`: `sum` takes several axes at once.
#
# </details>

# %% [markdown]
# ## The weight
#
# Back to that weight. As the kernel slides, it lies on one cell of `x` after the other, a stride apart:

# %%
met = x[0, 0, 0:4:2, 1:5:2]
figures.grids(
    {"the cells it meets": met, "g": g[0, 0], "product": met * g[0, 0]},
    alt="The four cells of x that the weight meets, 2, 3 over 0, 4; the upstream gradient 2, -1 over 1, 3; and their "
    "products, 4, -3 over 0, 12.",
)
print("sum of the products:", (met * g[0, 0]).sum().item())

# %% [markdown]
# The number from before! Raise the weight a little: each output rises by the cell that the weight meets there, and `L`
# by `g` times that. Add up all places and images:
#
# $$\frac{\partial L}{\partial w[o,c,a,b]}=\sum_{n,i,j}\hat{x}[n,c,\;s_Hi+a,\;s_Wj+b]\;\;g[n,o,i,j]$$
#
# where $\hat{x}$ is the padded input and $s$ the stride. For such sums `torch.einsum` is handy: each letter names an
# axis, and letters missing after `->` are summed over. `torch.einsum("nohw,nihw->oi", g, cells)` multiplies every
# channel of `g` by every channel of `cells` and adds up images, rows and columns.
#
# > **Exercise 2 · `grad_weight`** · difficulty 3 of 5 · 15 minutes · 8 points
#
# In exercises 2 and 3 do without PyTorch's convolutions (transposed ones too), `F.fold`, `F.unfold` and autograd. A
# loop over the kernel's cells is short.

# %% nbgrader={"grade": false, "grade_id": "grad_weight", "locked": false, "schema_version": 3, "solution": true, "task": false}
def grad_weight(x, g, kernel_size, stride, padding):
    """Gradient of (F.conv2d(x, w, None, stride, padding) * g).sum() in w.

    Args:
        x: the input, a tensor of shape (N, I, H, W).
        g: the upstream gradient, a tensor of shape (N, O, H', W').
        kernel_size: (kH, kW), in cells.
        stride: (sH, sW), in cells.
        padding: (pH, pW), zeros added at the top and bottom, and on the left and right, in cells.

    Returns:
        A tensor of shape (O, I, kH, kW), with the dtype of x.

    Example:
        >>> x = torch.tensor([[[[1.0, 2.0, 3.0, 4.0, 5.0]]]])
        >>> g = torch.tensor([[[[10.0, 1.0]]]])
        >>> grad_weight(x, g, (1, 3), (1, 2), (0, 0))
        tensor([[[[13., 24., 35.]]]])
    """
    ### BEGIN SOLUTION
    (kH, kW), (sH, sW), (pH, pW) = kernel_size, stride, padding
    height, width = g.shape[2:]
    x = F.pad(x, (pW, pW, pH, pH))
    grad = x.new_zeros(g.shape[1], x.shape[1], kH, kW)
    for a in range(kH):
        for b in range(kW):
            cells = x[:, :, a : a + sH * height : sH, b : b + sW * width : sW]
            grad[:, :, a, b] = torch.einsum("nohw,nihw->oi", g, cells)
    return grad
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "check_grad_weight", "locked": true, "points": 8, "schema_version": 3, "solution": false, "task": false}
check.grad_weight(grad_weight)

# %% [markdown]
# <details><summary>Hint 1: the plan</summary>
#
# Pad `x` (`F.pad` wants left, right, top, bottom). Two loops, over `a` in `range(kH)` and `b` in `range(kW)`. In the
# middle, cut out the cells that weight `[a, b]` meets, as above, and use the `einsum`.
#
# </details>
# <details><summary>Hint 2: sizes do not match, or "leftover rows" fails</summary>
#
# The slice must hold as many cells as `g`, a stride apart: from `a` to `a + sH * height`. If it runs to the end of `x`
# it may pick up a row too many. If it holds too few, the padding is missing.
#
# </details>
# <details><summary>Hint 3: almost the whole answer</summary>
#
# `cells = x[:, :, a : a + sH * height : sH, ...]`; `grad[:, :, a, b]` is the `einsum`. Make `grad` with
# `x.new_zeros(...)`, which keeps the dtype.
#
# </details>

# %% [markdown]
# ## The input
#
# ### Predict
#
# In one dimension: a kernel of three slides over seven cells, `x0` to `x6`, at stride 1. The outputs are `y0` to `y4`.
# Which of them read `x3`?
#
# **(a)** only `y3`  **(b)** `y1`, `y2`, `y3`  **(c)** `y3`, `y4`  **(d)** `y2`, `y3`, `y4`

# %% nbgrader={"grade": false, "grade_id": "predicted_readers", "locked": false, "schema_version": 3, "solution": true, "task": false}
predicted_readers = None  # "a", "b", "c" or "d"
### BEGIN SOLUTION
predicted_readers = "b"
### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "check_predicted_readers", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
check.predicted_readers(predicted_readers)

# %%
figures.wires(
    7,
    3,
    {"forward: y1 reads three inputs": ("output", 1), "backward: x3 hears from three outputs": ("input", 3)},
    alt="Left, output y1 is joined to x1, x2 and x3 by the weights w0, w1 and w2. Right, input x3 is joined to the "
    "gradients g1, g2 and g3 of the outputs that read it, by the weights w2, w1 and w0: the same wires, read from "
    "the other end, so that the weights come in reverse order.",
)

# %% [markdown]
# Forward, the weights along a window are `w0`, `w1`, `w2`. Backward, stand on `x3` and look up: `w2`, `w1`, `w0`.
# **The wires are the same, seen from the other end:** `x3` is the *last* cell for its first reader. Which outputs an
# input feeds mirrors which inputs an output reads. By the rule it gets the sum over its readers:
#
# $$\frac{\partial L}{\partial\hat{x}[n,c,r,q]}=\sum_{o,i,j,a,b}w[o,c,a,b]\;g[n,o,i,j]\quad\text{where}\quad s_Hi+a=r,\;\;s_Wj+b=q$$
#
# At stride 1 that says `i = r - a`: as the index of `w` goes up, that of `g` goes down. It is the mathematician's
# convolution of notebook 01.
#
# ## A stride comes back as zeros
#
# At stride 2 every other output is gone.

# %%
figures.wires(
    7,
    3,
    {"x2: two outputs read it": ("input", 2), "x3: only one does": ("input", 3)},
    stride=2,
    alt="At stride 2 the gradients g0, g1 and g2 stand two places apart, with a dashed zero between neighbours. Left, "
    "x2 is joined to g0 by w2, to a zero by w1, and to g1 by w0. Right, x3 is joined to a zero by w2, to g1 by w1, "
    "and to a zero by w0.",
)

# %% [markdown]
# `x2` is read through `w0` and `w2`, `x3` through `w1` alone. But put a zero where the stride skipped an output, and all
# is as at stride 1: `w2`, `w1`, `w0` over three neighbours. A skipped output has no say, and no say is a gradient of
# zero. **Stride `s` in the forward pass is a dilation of `g` in the backward pass:** `s - 1` zeros between neighbours.
#
# In two dimensions, how many readers has a cell? Point at an **input** cell: the explorer marks the outputs that use
# it. Find cells with four readers, two, and one.

# %%
Conv2dExplorer(torch.ones(6, 7), torch.tensor([[1.0, 2, 3], [4, 5, 6], [7, 8, 9]]), stride=2, padding=1)

# %% [markdown]
# ### Predict
#
# A row of six cells, `x0` to `x5`, a kernel of three, stride 2, no padding. What is the gradient in `x5`?
#
# **(a)** 0  **(b)** the same as in `x4`  **(c)** it has none: the gradient has five cells  **(d)** nan

# %% nbgrader={"grade": false, "grade_id": "predicted_leftover", "locked": false, "schema_version": 3, "solution": true, "task": false}
predicted_leftover = None  # "a", "b", "c" or "d"
### BEGIN SOLUTION
predicted_leftover = "a"
### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "check_predicted_leftover", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
check.predicted_leftover(predicted_leftover)

# %% [markdown]
# Wherever `H + 2p - k` is not divisible by the stride, rows are left over at the bottom. `g` cannot tell: five and six
# cells give the same two outputs. So the size of `x` is handed in.
#
# > **Exercise 3 · `grad_input`** · difficulty 4 of 5 · 15 minutes · 8 points

# %% nbgrader={"grade": false, "grade_id": "grad_input", "locked": false, "schema_version": 3, "solution": true, "task": false}
def grad_input(w, g, input_size, stride, padding):
    """Gradient of (F.conv2d(x, w, None, stride, padding) * g).sum() in x.

    Args:
        w: the weight, a tensor of shape (O, I, kH, kW).
        g: the upstream gradient, a tensor of shape (N, O, H', W').
        input_size: (H, W) of x, in cells, without padding.
        stride: (sH, sW), in cells.
        padding: (pH, pW), zeros added at the top and bottom, and on the left and right, in cells.

    Returns:
        A tensor of shape (N, I, H, W), with the dtype of g.

    Example:
        >>> w = torch.tensor([[[[1.0, 2.0, 3.0]]]])
        >>> g = torch.tensor([[[[10.0, 1.0]]]])
        >>> grad_input(w, g, (1, 5), (1, 2), (0, 0))
        tensor([[[[10., 20., 31.,  2.,  3.]]]])
    """
    ### BEGIN SOLUTION
    (H, W), (sH, sW), (pH, pW) = input_size, stride, padding
    height, width = g.shape[2:]
    grad = g.new_zeros(g.shape[0], w.shape[1], H + 2 * pH, W + 2 * pW)
    for a in range(w.shape[2]):
        for b in range(w.shape[3]):
            sent = torch.einsum("nohw,oi->nihw", g, w[:, :, a, b])
            grad[:, :, a : a + sH * height : sH, b : b + sW * width : sW] += sent
    return grad[:, :, pH : pH + H, pW : pW + W]
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "check_grad_input", "locked": true, "points": 8, "schema_version": 3, "solution": false, "task": false}
check.grad_input(grad_input)

# %% [markdown]
# <details><summary>Hint 1: the plan</summary>
#
# Turn exercise 2 round. Where weight `[a, b]` *read* cells of the padded input, now *add* `g` times that weight. Start
# with zeros as large as the **padded** input; cut the padding off at the end.
#
# </details>
# <details><summary>Hint 2: numbers are too small, or in the wrong place</summary>
#
# Too small: `=` keeps only the last reader of a cell; use `+=`. Wrong place: row 0 of `x` is row `pH` of the padded
# input, so keep `pH : pH + H`. (`pH : -pH` is empty without padding.)
#
# </details>
# <details><summary>Hint 3: almost the whole answer</summary>
#
# `sent = torch.einsum("nohw,oi->nihw", g, w[:, :, a, b])`, then `grad[:, :, a : a + sH * height : sH, ...] += sent`.
# Leftover rows are never written to and stay 0.
#
# </details>

# %% [markdown]
# ## Where are the flip and the zeros?
#
# Adding slice by slice you wrote neither: the stepped slice leaves the zeros, and *sending* instead of fetching turns the
# order round. The other way: spread `g` out, put `k - 1` more zeros around it, and slide the flipped kernel over it.

# %%
spread = torch.zeros(1, 1, 3, 3)
spread[:, :, ::2, ::2] = g
ringed = F.pad(spread, (2, 2, 1, 1))  # k - 1 zeros on each side: windows may hang over
flipped = w.flip(2, 3)
again = F.conv2d(ringed, flipped)
print("the same as yours:", torch.equal(again, grad_input(w, g, (4, 5), (2, 2), (0, 0))))
figures.grids(
    {"g spread out": ringed[0, 0], "w flipped": flipped[0, 0], "gradient of x": again[0, 0]},
    windows={"g spread out": (0, 2, 2, 3), "gradient of x": (0, 2, 1, 1)},
    alt="Left, g spread out: 2, 0, -1 in row 1 and 1, 0, 3 in row 3, zeros everywhere else, with an outline around "
    "rows 0 to 1 and columns 2 to 4. Middle, the kernel flipped: 2, -1, 3 over -2, 0, 1. Right, the gradient of x, "
    "with an outline around the cell in row 0, column 2, which holds -5.",
)

# %% [markdown]
# In the outlined window, `2·(-2)+0·0+(-1)·1 = -5`. The backward pass of a convolution is a convolution. (With
# channels, in and out trade places too: `w.flip(2, 3).transpose(0, 1)`.)
#
# ## Tell autograd
#
# A `torch.autograd.Function` is a forward pass with its own backward. `forward` keeps what `backward` needs: tensors
# with `ctx.save_for_backward(...)`, found again in `ctx.saved_tensors`; the rest as attributes of `ctx`. `backward`
# returns one gradient for **each argument of `forward`**, in order, and `None` where there is none.
#
# Do no work that nobody wants, such as the gradient in a first layer's image: `ctx.needs_input_grad` holds one flag for
# each argument of `forward`.
#
# > **Exercise 4 · `Conv2dFunction`** · difficulty 3 of 5 · 10 minutes · 8 points
#
# `F.conv2d` is welcome in `forward`. In `backward` use your own three functions.

# %% nbgrader={"grade": false, "grade_id": "Conv2dFunction", "locked": false, "schema_version": 3, "solution": true, "task": false}
class Conv2dFunction(torch.autograd.Function):
    """A convolution with its own backward pass, used as Conv2dFunction.apply(x, w, b, stride, padding).

    Example:
        >>> x = torch.tensor([[[[1.0, 2.0, 3.0]]]], requires_grad=True)
        >>> w = torch.tensor([[[[1.0, 10.0]]]])
        >>> out = Conv2dFunction.apply(x, w, None, (1, 1), (0, 0))
        >>> out.backward(torch.tensor([[[[1.0, 2.0]]]]))
        >>> x.grad
        tensor([[[[ 1., 12., 20.]]]])
    """

    @staticmethod
    def forward(ctx, x, w, b, stride, padding):
        """The output, and in ctx what backward needs.

        Args:
            x, w: the input and the weight, tensors of shape (N, I, H, W) and (O, I, kH, kW).
            b: the bias, a tensor of shape (O,), or None.
            stride, padding: (sH, sW) and (pH, pW), in cells.

        Returns:
            A tensor of shape (N, O, H', W').
        """
        ### BEGIN SOLUTION
        ctx.save_for_backward(x, w)
        ctx.stride, ctx.padding = stride, padding
        return F.conv2d(x, w, b, stride, padding)
        ### END SOLUTION

    @staticmethod
    def backward(ctx, g):
        """The gradients in x, w, b, stride and padding: None where none is needed, or none exists.

        Args:
            g: the upstream gradient, a tensor of shape (N, O, H', W').
        """
        ### BEGIN SOLUTION
        x, w = ctx.saved_tensors
        grad_x = grad_w = grad_b = None
        if ctx.needs_input_grad[0]:
            grad_x = grad_input(w, g, x.shape[2:], ctx.stride, ctx.padding)
        if ctx.needs_input_grad[1]:
            grad_w = grad_weight(x, g, w.shape[2:], ctx.stride, ctx.padding)
        if ctx.needs_input_grad[2]:
            grad_b = grad_bias(g)
        return grad_x, grad_w, grad_b, None, None
        ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "check_Conv2dFunction", "locked": true, "points": 8, "schema_version": 3, "solution": false, "task": false}
check.Conv2dFunction(Conv2dFunction)

# %% [markdown]
# <details><summary>Hint 1: where do I start?</summary>
#
# `forward` in three lines: save `x` and `w`; keep `ctx.stride` and `ctx.padding`; return `F.conv2d` of everything.
#
# </details>
# <details><summary>Hint 2: "returned an incorrect number of gradients", or "an invalid gradient"</summary>
#
# Five arguments went into `forward`, so five things come out, in the same order; for stride and padding `None`. An
# "invalid gradient" has the wrong shape: are two swapped?
#
# </details>
# <details><summary>Hint 3: "gradients that nobody needs" fails</summary>
#
# Set all three to `None`. Then `if ctx.needs_input_grad[0]:` work out the gradient of `x`; `[1]` is for `w`, `[2]` for
# `b`.
#
# </details>

# %% [markdown]
# ## Prove it
#
# `torch.autograd.gradcheck` nudges **every** input number up and down and compares the slopes of each output with your
# `backward`. It wants float64: in float32 the difference of two nearly equal numbers loses most digits.

# %%
torch.manual_seed(0)
x64 = torch.randn(2, 3, 7, 5, dtype=torch.float64, requires_grad=True)
w64 = torch.randn(4, 3, 2, 3, dtype=torch.float64, requires_grad=True)
b64 = torch.randn(4, dtype=torch.float64, requires_grad=True)
layer = (3, 2), (1, 0)
print("gradcheck:", torch.autograd.gradcheck(Conv2dFunction.apply, (x64, w64, b64, *layer)))

# %% [markdown]
# Would a simpler test do? Many compare with PyTorch after `out.sum().backward()`. Here is one that never looks at `g`:

# %%
class Deaf(Conv2dFunction):
    @staticmethod
    def backward(ctx, g):
        return Conv2dFunction.backward(ctx, torch.ones_like(g))


Deaf.apply(x64, w64, b64, *layer).sum().backward()
(expected,) = torch.autograd.grad(F.conv2d(x64, w64, b64, *layer).sum(), w64)
print("the test with sum():", torch.allclose(w64.grad, expected))
inputs = (x64, w64, b64, *layer)
print("gradcheck:", torch.autograd.gradcheck(Deaf.apply, inputs, raise_exception=False))

# %% [markdown]
# The gradient of a sum is 1 everywhere, so who ignores `g` is never found out. Test with a random `g`.
#
# ## The last proof: learn something
#
# A network of your layers, and sixteen images of noise with meaningless labels. It can memorise them **if** every gradient
# is right. Untrained, the loss is near log 4 = 1.39: a blind guess.

# %%
class OwnConv2d(nn.Conv2d):  # PyTorch's layer, with your backward
    def forward(self, x):
        return Conv2dFunction.apply(x, self.weight, self.bias, self.stride, self.padding)


images, labels = torch.randn(16, 1, 8, 8), torch.arange(16) % 4
convs = OwnConv2d(1, 16, 3, stride=2, padding=1), OwnConv2d(16, 32, 3, stride=2, padding=1), OwnConv2d(32, 4, 2)
net = nn.Sequential(convs[0], nn.ReLU(), convs[1], nn.ReLU(), convs[2], nn.Flatten())
optimizer = torch.optim.SGD(net.parameters(), lr=0.1, momentum=0.9)
for step in range(31):
    error = F.cross_entropy(net(images), labels)
    optimizer.zero_grad()
    error.backward()
    optimizer.step()
    print(end=f"step {step}: loss {error:.4f}\n" if step % 10 == 0 else "")

# %% [markdown]
# If a network cannot even memorise one small batch, something is broken.
#
# ### In your own words (4 points, read by a person)
#
# Alex tests a hand-written `backward` on one image and one channel, with a 3 × 3 kernel of ones at stride 1, and
# compares with PyTorch after `out.sum().backward()`. Everything agrees. Name four mistakes that may still be in the
# code, and say for each why this test cannot see it.

# %% [markdown] nbgrader={"grade": true, "grade_id": "explain_tests", "locked": false, "points": 4, "schema_version": 3, "solution": true, "task": false}
# One point for each mistake with its reason:
#
# - `g` ignored: after `sum()` it is 1.
# - Kernel not flipped: ones look the same turned.
# - Zeros or leftover rows missing: stride 1 has neither.
# - Batch averaged: one image has its own mean.
# - Channels mixed up: there is one.
# - Height and width swapped: the kernel is square.

# %% [markdown]
# ## What did we learn?
#
# - Every gradient is made from `g`, which says how fast the loss rises with each **output**.
# - What is used in many places gets the **sum** of what they send back, never the mean.
# - One formula, three readings. Forward: cells times weight. Weight: cells times `g`. Input: weight times `g`, back into
#   the cells.
# - The input's gradient comes through the **flipped** kernel: the same wires from the other end.
# - Stride `s` is `s - 1` **zeros** between gradients. Cells that no window reached get 0; padding is cut off.
# - Test with random `g`, lopsided kernels, strides and leftovers.
#
# **Explain it to someone:** at stride 2 and a kernel of three, why does every second cell get its gradient through one
# weight only?
#
# **Next:** 08, a `Conv2d` module that nobody can tell from PyTorch's.
