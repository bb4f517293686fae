"""Programs that run a packaged model in a client's own Python environment: each stands alone, without detlite."""
