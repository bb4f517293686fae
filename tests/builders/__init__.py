"""Models, files, servers and devices that tests are made with."""
