"""|x| by ReLU networks: wide enough, and too deep for their width."""
