"""CMU PocketSphinx: small-footprint decoding of US English on a CPU."""
