"""A metric is one file: `TITLE`, `UNIT`, `HIGHER_IS_BETTER`, and `score(final, target) -> (n,) float32`.

`final` is the answer in the form that is scored (`Task.final`): images as float32 (n, 3, height, width) in [0, 1],
mazes as uint8 masks (n, height, width). A score is per sample; boards average it. A metric that looks through a window
also has `SMALLEST`, the height and width that an image needs: `evaluate` refuses smaller ones before it trains.
"""
