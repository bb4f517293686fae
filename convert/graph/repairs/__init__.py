"""Graph repairs, one per file, each with a `PLUGIN` of type `detlite.convert.graph.repair.Repair`."""
