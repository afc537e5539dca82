"""How runs are computed: cost, measured speeds, schedule."""
