"""`nitro bench`: what each optimisation gives on this machine, measured against itself switched off."""
