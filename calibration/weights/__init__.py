"""Weights and biases as integers, and the methods that repair what rounding costs."""
