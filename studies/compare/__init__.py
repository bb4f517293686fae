"""Two runs of one kind, at two times or of two models: what changed, and whether that is more than noise."""
