"""Devices without hardware, for the pipelines of users: what they say is scripted, what runs there runs here."""
