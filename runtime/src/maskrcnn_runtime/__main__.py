"""python -m maskrcnn_runtime"""

from maskrcnn_runtime.cli import main

main()
