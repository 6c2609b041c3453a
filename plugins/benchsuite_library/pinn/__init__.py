"""Physics-informed networks: a differential equation is the loss."""
