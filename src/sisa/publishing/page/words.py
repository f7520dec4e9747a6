"""What the words of the results page mean."""

WORDS = {
    "shard": "The training set of one ensemble member, named by its dominant class.",
    "dominant": "An image in the shard of its own class.",
    "leaked": "A copy of an image in the shard of another class.",
    "leakage": "How far classes leak. High: every class into every other shard. Low: the forgotten class into the next "
    "shard only, the others everywhere. None: every shard is pure.",
    "member": "The model trained on one shard; the members together are the ensemble.",
    "before": "The ensemble with all members.",
    "after": "The ensemble without the affected members, those from whose shard the request removes images.",
    "retrained": "The ensemble with the affected members trained again on what is retained.",
    "baseline_full": "One conventional model, trained on the images of all shards.",
    "baseline_retrained": "One conventional model, trained afresh without the forgotten images: the gold standard.",
    "retrained_exact": "The exactly retrained ensemble: every member without any copy of a forgotten image.",
    "residual copies": "Forgotten images, each copy counted, that members which answer were still trained on.",
    "scope": "Which copies a request covers. Dominant: those in the shard of the class, so that leaked copies survive. "
    "All: those in every shard, which is exact.",
    "held-out": "In no shard: no model was trained on these images.",
    "overall": "The share of all held-out images that are answered right.",
    "AUROC": "How well what the ensemble believes tells held-out images of the forgotten class from all others, "
    "whatever it calls them: 1 is without fail, 0.5 is chance, exactly so where the class is not considered. Compare "
    "with baseline_retrained: a model that never saw the class may lie off 0.5 by what the others look like.",
    "others taken": "The share of held-out images of all other classes that are taken for the forgotten one. Where it "
    "is large, the share of the class itself says little.",
    "forgotten": "The share of held-out images of the forgotten class that are still answered right.",
    "retained": "The share of held-out images of all other classes that are answered right.",
    "prior_corrected": "Each member's answer is corrected for how often it saw each class, and a member abstains on "
    "classes that it never saw.",
    "mean_logits": "The members' logits are averaged: a member that never saw a class vetoes it.",
    "mean_probabilities": "The members' probabilities are averaged.",
    "majority_vote": "The class that most members name.",
    "undecided": "The aggregation carries no information here, and says so instead of guessing.",
    "UA": "Unlearning accuracy: the share of forgotten training images that are answered wrong.",
    "RA": "Retain accuracy: the share of retained training images that are answered right.",
    "TA": "Test accuracy: the share of held-out images of retained classes that are answered right.",
    "average_gap": "The mean absolute difference of UA, RA and TA from the reference's; 0 is equal.",
    "tow": "The product of one less each of these differences; 1 is equal.",
    "js_distance": "The mean Jensen-Shannon distance between two models' answers, 0 (equal) to 1, on forgotten "
    "training images or on held-out ones.",
    "LiRA": "Likelihood-ratio attack: compares the answer to an image with those of shadow models trained with and "
    "without it, to tell whether it was trained on.",
    "population attack": "Tells images trained on from held-out ones of the same class by how sure a model is of it.",
    "AUC": "How well an attack tells images trained on from others: 0.5 is guessing, 1 is always right.",
    "never_seen": "Images that were in no shard: a control, on which nothing should be found.",
    "relearning": "Fine-tuning a member on a few images of each class until it names the forgotten class again.",
    "goal": "90 % of the held-out images of the class that the member of its own shard named before.",
    "sample": "One image, once forward and backward through a model.",
    "speed-up": "Samples of full retraining (baseline_retrained) for each sample that forgetting takes.",
}
