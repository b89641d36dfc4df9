"""``python -m maskrcnn`` is the command ``maskrcnn``."""

from maskrcnn.cli import main

if __name__ == "__main__":
    main()
