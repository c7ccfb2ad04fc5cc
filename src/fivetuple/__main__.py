"""`python -m fivetuple` is `ft`."""

from fivetuple.cli.main import main

if __name__ == "__main__":
    raise SystemExit(main())
