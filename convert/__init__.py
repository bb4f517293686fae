"""From a trained detector to a float model with a contract, and to other formats."""
