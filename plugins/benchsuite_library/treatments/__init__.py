"""What people advise against trainings that fail, to be tried on every case."""
