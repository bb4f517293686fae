"""The commands of `detlite`: each parses its arguments, makes one call, and prints the result.

Not here: any computation. What a command computes is in the packages below, where it can be called without
click. The table of commands is in `detlite.cli`; options that several commands share are in the modules whose names
end in `options`.

Add a command as one file with a click command, and one line in the table of `detlite.cli`.
"""
