"""Dense ReLU networks that learn to give back MNIST images."""
