"""Explorers that run in the browser and share their numbers with Python."""

from .conv2d_explorer import Conv2dExplorer
from .draw_digit import DrawDigit
from .gabor_designer import GaborDesigner
from .groups_wiring import GroupsWiring
from .kernel_lab import KernelLab
from .mistake_browser import MistakeBrowser
from .receptive_field_stacker import ReceptiveFieldStacker
from .training_dashboard import TrainingDashboard

__all__ = [
    "Conv2dExplorer",
    "DrawDigit",
    "GaborDesigner",
    "GroupsWiring",
    "KernelLab",
    "MistakeBrowser",
    "ReceptiveFieldStacker",
    "TrainingDashboard",
]
