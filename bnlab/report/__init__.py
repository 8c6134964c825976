"""`bnlab reproduce`: every claim of the articles checked, and one report of the answers.

`model` says what is known after a reproduction; `checking` trains what is missing and judges; the other modules write it.
"""
