"""The one implementation of each port that this process uses: stores, clock, randomness, audit, keys."""
