"""Explorers that run in the browser and share their numbers with Python."""

from .conv2d_explorer import Conv2dExplorer
from .gabor_designer import GaborDesigner
from .kernel_lab import KernelLab

__all__ = ["Conv2dExplorer", "GaborDesigner", "KernelLab"]
