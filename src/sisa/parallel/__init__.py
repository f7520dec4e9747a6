"""The stages of DVC's own graph side by side, on this machine or on a Ray cluster. DVC runs and hashes each one."""
