"""What can be compared with what; one file each, see `detlite.studies.compare.file_comparison`."""
