"""Packing artifacts for where they are used."""
