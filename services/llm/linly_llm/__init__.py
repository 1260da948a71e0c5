"""Language model service of the Linly-Talker mesh."""
