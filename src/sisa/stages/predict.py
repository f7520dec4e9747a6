"""Ask every model once about the images that they are evaluated and attacked on, and keep the logits."""

from tqdm import tqdm

from sisa.base import paths
from sisa.base.params import load
from sisa.data import tables
from sisa.data.images import Images, Pool
from sisa.inference import outputs
from sisa.inference.logits import evaluation_images, predict_logits
from sisa.training.loop import be_deterministic


def main() -> None:
    params = load()
    be_deterministic(params.train.threads)
    test, union = tables.read(paths.TEST, Images), tables.read(paths.UNION, Images)
    sets = evaluation_images(test, union, tables.read(paths.POOL, Pool), params.forget.class_)
    members = [folder / name for folder in (paths.members(params), paths.retrained(params)) for name in params.shards]
    with tqdm(total=sum(map(len, sets.values())), desc="predicting", unit=" images", disable=None) as bar:
        models = predict_logits([*members, paths.BASELINE_FULL, paths.BASELINE_RETRAINED], sets, params, bar.update)
    outputs.write(paths.LOGITS, sets, models)
