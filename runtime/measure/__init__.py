"""How fast a model is: scenarios, protocol, samples, statistics, verdict, and the state of the machine meanwhile."""
