"""The families of detectors whose finished graphs can be converted, one file each."""
