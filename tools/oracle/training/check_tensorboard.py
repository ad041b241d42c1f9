#!/usr/bin/env python3
"""Have TensorBoard read a folder that `dlrun train --tensorboard` or the TensorBoard callback wrote.

usage: check_tensorboard.py FOLDER

Needs `pip install -r tensorboard-requirements.txt`. Prints the scalars and histograms of each run, and
fails where a file holds none.
"""
import sys

from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.backend.event_processing.event_file_loader import EventFileLoader

for run in ("train", "validation"):
    events = EventAccumulator(f"{sys.argv[1]}/{run}", size_guidance={"scalars": 0, "histograms": 0})
    events.Reload()
    tags = events.Tags()
    for tag in tags["scalars"]:
        values = events.Scalars(tag)
        print(run, tag, len(values), "values, the last", values[-1].step, values[-1].value)
    for tag in tags["histograms"]:
        h = events.Histograms(tag)[-1].histogram_value
        print(run, tag, "histogram of", h.num, "from", h.min, "to", h.max, len(h.bucket), "buckets")
        assert sum(h.bucket) == h.num and len(h.bucket) == len(h.bucket_limit)
    assert tags["scalars"]
    # The loader of TensorBoard's own server, which checks every checksum.
    for name in __import__("glob").glob(f"{sys.argv[1]}/{run}/events*"):
        print(run, sum(1 for _ in EventFileLoader(name).Load()), "events through the server's loader")
