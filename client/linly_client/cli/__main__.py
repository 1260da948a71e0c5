"""``python -m linly_client.cli``: the command without its script."""

from linly_client.cli import main

if __name__ == "__main__":
    main()
