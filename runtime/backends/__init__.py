"""One file for each way to run a model; found by its name, imported when used."""
