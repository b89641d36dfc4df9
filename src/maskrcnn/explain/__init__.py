"""Why a model found what it found. The room is called as its one function: ``maskrcnn.explain(predictor, image)``."""
