"""The main job, `detlite run`: stages that are done once, and picked up where they were left."""
