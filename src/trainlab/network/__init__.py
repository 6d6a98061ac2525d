"""What is trained: activations, initializers, layers, losses, and how they make a network."""
