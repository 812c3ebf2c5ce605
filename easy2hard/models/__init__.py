"""Models that entries build on; the contract is `models/recurrent.py`. A model knows no task: it maps images to numbers."""
