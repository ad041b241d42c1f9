"""The parts of tools/bench_peers.py.

install: the peers' virtual environment and libdlrun.so; zoo: models and their inputs; engines: each
engine opened and run as its users would; worker: measures one model, in a process of its own;
machine: processors and what else they do; report: the tables.
"""
