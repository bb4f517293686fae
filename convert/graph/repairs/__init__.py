"""Named changes to a graph that the edge needs; one file each, see `detlite.convert.graph.repair`."""
