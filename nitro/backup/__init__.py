"""One file with everything that must not be lost: database, files and settings; and the way back."""
