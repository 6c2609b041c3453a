"""Single ReLU units that learn what one ReLU unit computes, and often cannot."""
