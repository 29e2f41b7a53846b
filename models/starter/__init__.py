"""The starter translator: an adapter that turns Gemma 3 270M into rough Russian.

The folder holds the adapter, its vocabulary and reference outputs; ``build``
merges them with the base weights. README.md is the model card.
"""
