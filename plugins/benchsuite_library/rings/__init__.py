"""Three rings in the plane, with layers that differ between training and evaluation."""
