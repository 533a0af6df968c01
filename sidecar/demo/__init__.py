"""An embedded detector with its scenes and traffic, so that everything can be seen with nothing set up by hand.

The detector reads handwritten digits (scikit-learn's ``load_digits``: 1,797 images by real hands) on parcel labels.
Key types: ``digits.Pool`` (images with their labels), ``scenes.Scene`` (an image and its true boxes),
``detector.Detector`` (one trained version), ``stage.Stage`` (what the traffic shows at a moment), ``reviewer.Truth``
(what is in a scene, as the simulated reviewer knows it), ``loop.Loop`` (the improvement loop, once around, as a client
of the sidecar).

Invariants: the three pools (training of version 1, collection, A/B traffic) share no image; only the processes of the
detector and of its trainer (``python -m sidecar.demo.server``, ``python -m sidecar.demo.trainer``) import scikit-learn
and scipy, the traffic's reads the pools from a file.
"""
