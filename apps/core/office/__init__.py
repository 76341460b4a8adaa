"""The office: what all pages of the admin share, whichever app they belong to."""
