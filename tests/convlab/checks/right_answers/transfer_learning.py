"""Right answers to the exercises of notebook 12, each written differently from the solution."""

import copy

import torch
from torch import nn


def prepare_by_channel(images, mean, std):
    """A new tensor, filled one channel at a time."""
    out = torch.empty(images.shape, dtype=torch.float32)
    for c in range(3):
        out[:, c] = images[:, c].float().div(255).sub(mean[c]).div(std[c])
    return out


def prepare_in_one_step(images, mean, std):
    """255 goes into mean and std; channels last and back."""
    mean, std = (255 * torch.tensor(numbers, dtype=torch.float64) for numbers in (mean, std))
    return ((images.movedim(1, -1) - mean) / std).movedim(-1, 1).float().contiguous()


def freeze_by_method(model):
    return model.requires_grad_(False).train(False)


def freeze_module_by_module(model):
    """Every module does its own part; parameters are detached in place."""
    for module in model.modules():
        module.training = False
        for parameter in module._parameters.values():
            if parameter is not None:
                parameter.detach_()
    return model


def head_by_walking_down(model, n):
    """Remembers the parent and the key of each Linear; the last one stays."""

    def walk(parent):
        for key, child in parent.named_children():
            if isinstance(child, nn.Linear):
                found.append((parent, key, child))
            walk(child)

    found = []
    walk(model)
    parent, key, old = found[-1]
    parent._modules[key] = nn.Linear(old.in_features, n).to(old.weight)
    return model


def head_by_name(model, n):
    linears = {name: layer for name, layer in model.named_modules() if type(layer) is nn.Linear}
    name, old = linears.popitem()
    new = nn.Linear(old.weight.size(1), n, bias=True, device=old.weight.device, dtype=old.weight.dtype)
    model.set_submodule(name, new)
    return model


def trainable_by_names(model):
    trainable = []
    for _, parameter in model.named_parameters():
        if parameter.requires_grad:
            trainable.append(parameter)
    return trainable


def trainable_by_identity(model):
    """Each module's own parameters, those seen before left out."""
    seen = {}
    for module in model.modules():
        for parameter in module._parameters.values():
            if parameter is not None and parameter.requires_grad:
                seen.setdefault(id(parameter), parameter)
    return list(seen.values())


def groups_by_shortening(model, lrs):
    """Takes parts off the end of a name until what is left is a prefix."""
    params = {prefix: [] for prefix in lrs}
    for name, parameter in model.named_parameters():
        if not parameter.requires_grad:
            continue
        prefix = name
        while prefix and prefix not in lrs:
            prefix = prefix.rpartition(".")[0]
        if prefix not in lrs:
            raise ValueError(f"no learning rate for {name!r}: lrs has only {sorted(lrs)}.")
        params[prefix].append(parameter)
    return [{"lr": lr, "params": params[prefix]} for prefix, lr in lrs.items() if params[prefix]]


def groups_longest_first(model, lrs):
    """Names as tuples of their parts; the longer prefixes choose first, and what nobody took is an error."""
    left = {tuple(name.split(".")): one for name, one in model.named_parameters() if one.requires_grad}
    parts = {prefix: tuple(filter(None, prefix.split("."))) for prefix in lrs}
    taken = {}
    for prefix in sorted(lrs, key=lambda prefix: len(parts[prefix]), reverse=True):
        fitting = [name for name in left if name[: len(parts[prefix])] == parts[prefix]]
        taken[prefix] = {"params": [left.pop(name) for name in fitting], "lr": lrs[prefix], "name": prefix}
    if left:
        raise ValueError("These parameters are in no group: " + "; ".join(map(".".join, left)))
    return [taken[prefix] for prefix in lrs if taken[prefix]["params"]]


@torch.no_grad()
def features_by_catting(model, loader):
    """Two tensors that grow, and one row at a time."""
    was = model.training
    model.train(False)
    features, labels = None, torch.empty(0, dtype=torch.int64)
    for images, some in loader:
        rows = torch.stack([model(image[None])[0] for image in images])
        features = rows if features is None else torch.cat((features, rows))
        labels = torch.hstack((labels, some))
    model.train(was)
    return features, labels


def features_of_a_copy(model, loader):
    """A frozen copy does the work, so that there is nothing to put back; rows of one list."""
    trunk = copy.deepcopy(model).eval().requires_grad_(False)
    rows = [row for images, labels in loader for row in zip(trunk(images), labels, strict=True)]
    return [torch.stack(column) for column in zip(*rows, strict=True)]


def stem_by_copy(conv):
    """A copy of the layer with a new weight."""
    new = copy.deepcopy(conv)
    red, green, blue = conv.weight.detach().split(1, dim=1)
    new.weight, new.in_channels = nn.Parameter(red + green + blue), 1
    return new


def stem_by_state(conv):
    """A state for the new layer: the weight times a column of ones, the bias as it is."""
    state = conv.state_dict()
    ones = state["weight"].new_ones(3, 1)
    state["weight"] = torch.einsum("oihw,in->onhw", state["weight"], ones)
    new = nn.Conv2d(
        *(1, conv.weight.size(0), conv.weight.shape[2:], conv.stride, conv.padding, conv.dilation),
        bias="bias" in state,
        padding_mode=conv.padding_mode,
    ).to(conv.weight.dtype)
    new.load_state_dict(state)
    return new


RIGHT = {
    "prepare": (prepare_by_channel, prepare_in_one_step),
    "freeze": (freeze_by_method, freeze_module_by_module),
    "replace_head": (head_by_walking_down, head_by_name),
    "trainable_parameters": (trainable_by_names, trainable_by_identity),
    "parameter_groups": (groups_by_shortening, groups_longest_first),
    "extract_features": (features_by_catting, features_of_a_copy),
    "adapt_stem": (stem_by_copy, stem_by_state),
}
