"""``python -m maskrcnn`` is the command ``maskrcnn``."""

from maskrcnn.apps.cli import main

if __name__ == "__main__":
    main()
