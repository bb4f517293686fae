"""Opening and running a model file: back ends, delegates, profilers. No measurement is known here."""
