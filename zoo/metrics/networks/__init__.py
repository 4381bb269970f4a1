"""Metrics that take a pretrained network: what a network makes of a model's colors.

A network is named as an embedding is (`zoo.networks.embeddings`), after the metric:

    classifier=hub:FOLDER,labels=FILE    top-1, top-5 and agreement: does a classifier recognize
                                         what is in the colored photos?
    frechet=keras:InceptionV3            FID; the Fréchet distance with any other network
    diversity=keras:InceptionV3          Inception score; a classifier score with any other network
    lpips=keras:VGG16,weights=FILE,linear=FILE    LPIPS

    networks = NetworkMetrics(["classifier=hub:modules/mobilenet"])
    report = zoo.evaluate(model, photos, networks=networks)

Every name of a metric ends in that of its network, and only Inception-v3 with trained weights may
give an FID or an Inception score.
"""

from zoo.metrics.networks.scoring import METRIC_KINDS, NetworkMetrics

__all__ = ["METRIC_KINDS", "NetworkMetrics"]
