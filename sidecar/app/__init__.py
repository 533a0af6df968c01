"""Where the rooms are put together: configuration, the supervisor and the monitor's composition root.

Key types: ``Config`` (what a person may set), ``State`` (what was set at run time and survives a restart),
``Supervisor`` (starts, restarts and drains the processes), ``WorkerSlot`` (one worker's place in it). A module
``x_api`` answers what ``sidecar.api`` asks of x: that room declares the protocol, this one knows all that the answer
takes. Nothing but ``cli`` imports this package.

Invariants
    A configuration with faults starts nothing, and every fault is told at once with its place.
    Workers get plain, compiled ``ProxySettings``; only this package knows how they follow from a ``Config``.
"""
