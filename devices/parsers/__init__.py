"""What programs of devices print, read: one file a format, each a pure function of text with a `PLUGIN`."""
