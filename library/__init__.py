"""The functions behind `import detlite`: each takes models and paths as a caller has them, and returns typed results.

Here are the argument forms, and the calls into the packages below; `detlite.api` lists what is public. Not here: any
work of its own, and anything of the command line.

Add a function to the module of its kind, and its name to `detlite.api` and to `detlite.__all__`.
"""
