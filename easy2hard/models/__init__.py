"""Models that entries build on; `recurrent.py` is the contract. A model knows no task: it maps images to numbers."""
