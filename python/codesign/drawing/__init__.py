"""drawing: pictures and pages; knows nothing of networks."""
