"""The monitor process: takes what the workers ship and turns it into records, summaries and samples.

Key types: ``Intake`` (the monitor's end of the link), ``Asks`` (what clients ask over it), ``Pipeline`` (decode,
record, summarise, sample, in one loop), ``Buckets`` (the open summaries).

Invariants
    A frame is acknowledged after the commit that holds its predictions, its summaries and its position: what a
    worker sends again is therefore recorded once, however often either side is killed.
    The monitor never makes a worker wait: where it falls behind, the worker's own bound drops and counts.
    A response that can't be read is a prediction with a reason, never an image without detections.
"""
