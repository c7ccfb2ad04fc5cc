"""`python -m fivetuple` is `ft`."""

from fivetuple.cli.main import leave

if __name__ == "__main__":
    leave()
