"""The devices that can be simulated: one file each, with a `PLUGIN`."""
