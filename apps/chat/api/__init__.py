"""The chat's HTTP interface for programs: one module per noun."""
