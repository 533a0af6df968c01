"""An embedded detector with its scenes and traffic, so that everything can be seen with nothing set up by hand.

The detector reads handwritten digits (scikit-learn's ``load_digits``: 1,797 images by real hands) on parcel labels.
Key types: ``digits.Pool`` (images with their labels), ``scenes.Scene`` (an image and its true boxes),
``detector.Detector`` (one trained version).

Invariants: the three pools (training of version 1, collection, A/B traffic) share no image; only the detector's process
(``python -m sidecar.demo.server``) imports scikit-learn and scipy, the traffic's process reads the pools from a file.
"""
