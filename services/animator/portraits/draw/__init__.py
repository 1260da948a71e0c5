"""Building blocks of the drawn default portrait."""
