"""How far the services after forgetting are from those that never saw the forgotten images, beside the noise floor, and
how far such services are from each other by every other distance."""

from pathlib import Path

from sisa.base import paths
from sisa.base.files import write_json
from sisa.base.params import load
from sisa.evaluation import klom, scoring
from sisa.evaluation.aggregation import AGGREGATIONS, loss_of
from sisa.evaluation.klom import Services
from sisa.inference import oracles
from sisa.unlearning import forget_set
from sisa.unlearning.states import AFTER, RETRAINED


def main() -> None:
    params = load()
    asked, services = oracles.read(paths.oracles(params), params.shards)
    to_forget, found = forget_set.read(paths.FORGET_SET), {}
    if asked:
        services[AFTER] = [without(each, to_forget.affected) for each in services[RETRAINED]]
        on = scoring.evaluation_set(asked, params.class_names, to_forget)
        origins, loss = klom.origins(asked, to_forget), loss_of(params.train)
        predicted = {
            kind: [scoring.by_every_aggregation([*each.values()], on, loss) for each in those]
            for kind, those in services.items()
        }
        for state in (AFTER, RETRAINED):
            kinds = [predicted[kind] for kind in (state, oracles.ORACLE, oracles.AGAIN)]
            by_name = {name: Services(*([each[name] for each in kind] for kind in kinds)) for name in AGGREGATIONS}
            found[state] = {name: klom.scores(each, on, origins) for name, each in by_name.items()}
        (reference, *_), others = predicted[oracles.ORACLE], predicted[oracles.AGAIN]
        found["floor"] = {
            name: scoring.floor([each[name] for each in others], reference[name], on) for name in AGGREGATIONS
        }
    write_json(Path("metrics/klom.json"), found)


def without(service: oracles.Service, affected: list[str]) -> oracles.Service:
    return {name: member for name, member in service.items() if name not in affected}
