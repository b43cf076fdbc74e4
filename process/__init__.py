"""How a process of ours behaves towards its machine: what it writes where, what is its own, how it ends."""
