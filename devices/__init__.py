"""Boards and phones: how they are reached, recognized and examined, and how a model is measured on them."""
