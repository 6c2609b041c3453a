"""The cases, ladders and treatments that benchsuite brings along, a folder for each family."""
