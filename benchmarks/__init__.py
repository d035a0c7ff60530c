"""What the hub costs on this machine, beside rivals in the same run: `python -m benchmarks`.

CPU seconds of server and client are told apart; ratios and CPU are the findings, wall
times only say what this machine did at that moment.
"""
