"""compiler: a network file to a plan and C: model, quantize, lower, layers, reference, plan, emit."""
