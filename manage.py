#!/usr/bin/env python
"""`python manage.py …` is the same as `nitro …`."""

from nitro.__main__ import main

if __name__ == "__main__":
    main()
