"""Work that runs many stages, and what reads its records: the main job, searches, comparisons, reports."""
