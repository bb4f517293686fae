"""How devices are reached: this machine, adb, ssh. Each says how a program is run there; `run` does the rest."""
