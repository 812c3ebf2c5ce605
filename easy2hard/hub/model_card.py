"""The card of a model: how to use it, what it scored at each level and budget, and the same for the Hub to read."""

from collections.abc import Iterator, Sequence
from statistics import mean, stdev
from typing import Any, NamedTuple

import yaml

from easy2hard.archive import Seeds
from easy2hard.card import Card
from easy2hard.data.manifest import Manifest
from easy2hard.hub.data import task_id
from easy2hard.record import Cell
from easy2hard.suite import Suite
from easy2hard.units import label, scale, show, show_spread, unit
from easy2hard.version import VERSION


class Dataset(NamedTuple):
    """A data repo at one commit, and what it holds of the suite."""

    repo: str
    commit: str
    manifest: Manifest


def render(repo: str, facts: Card, seeds: Seeds, dataset: str | None) -> str:
    """The card: YAML with the model-index, then words for people."""
    from huggingface_hub import ModelCardData

    record = seeds.record
    data = ModelCardData(
        license=facts.licence.lower(),
        library_name="easy2hard",
        pipeline_tag="image-to-image",
        tags=["easy2hard", "easy-to-hard", record.task.suite, facts.task],
        datasets=[dataset] if dataset else None,
        model_name=repo.split("/")[1],
        eval_results=list(_index(seeds, dataset)),
    )
    return f"---\n{data.to_yaml()}\n---\n\n{_text(repo, facts, seeds)}"


def results(seeds: Seeds, dataset: Dataset, url: str) -> str | None:
    """`.eval_results/…yaml`: the declared answer at every hard level; None where the client cannot write it."""
    try:
        from huggingface_hub import EvalResultEntry, eval_result_entries_to_yaml
    except ImportError:  # before 1.3
        return None
    record = seeds.record
    suite = Suite.model_validate(dataset.manifest.suite)
    metric = record.task.metric
    entries = []
    for level in record.task.headline:
        values = [cell.value for cell in seeds.cells(level, metric)]
        if values:
            entries.append(
                EvalResultEntry(
                    dataset_id=dataset.repo,
                    task_id=task_id(suite, level),
                    value=round(mean(values) * scale(metric), 4),
                    dataset_revision=dataset.commit,
                    date=max(filed.record.created_at for filed in seeds.filed).isoformat(),
                    source_url=url,
                    source_name=f"easy2hard {VERSION}",
                    notes=_notes(seeds, level, values),
                )
            )
    return yaml.safe_dump(eval_result_entries_to_yaml(entries), sort_keys=False, width=110)


def _notes(seeds: Seeds, level: str, values: Sequence[float]) -> str:
    """What the one number rests on."""
    record, metric = seeds.record, seeds.record.task.metric
    spread = f", sd {show(metric, stdev(values))}" if len(values) > 1 else ""
    failed = f", {seeds.failed} of them failed and count as the identity" if seeds.failed else ""
    return (
        f"{label(metric)}, answer {record.declared_answer}, trained on {', '.join(record.task.train_levels)}, "
        f"{len(values)} training seed{'s' if len(values) > 1 else ''}{spread}{failed}, "
        f"{record.task.levels[level].n} samples ({record.track} track)"
    )


def _index(seeds: Seeds, dataset: str | None) -> Iterator[Any]:
    """The whole grid of the ranking metric, levels by budgets and rules, as the Hub's model-index has it."""
    from huggingface_hub import EvalResult

    task, metric = seeds.record.task, seeds.record.task.metric
    for level in task.levels:
        for budget, rule in _asked(seeds, level):
            cells = seeds.cells(level, metric, budget, rule)
            if cells:
                args: dict[str, Any] = {
                    "budget": budget,
                    **({"exit": rule} if rule else {}),
                    "seeds": len(cells),
                }
                yield EvalResult(
                    task_type="image-to-image",
                    dataset_type=dataset or "easy2hard",
                    dataset_name=f"easy2hard {task.suite}, level {level}",
                    dataset_config=f"{task.suite} level {level}",
                    dataset_split="test",
                    metric_type=metric,
                    metric_name=f"{label(metric)}, {'exit ' + rule if rule else 'budget ' + str(budget)}",
                    metric_value=round(mean(cell.value for cell in cells) * scale(metric), 4),
                    metric_args=args,
                )


def _asked(seeds: Seeds, level: str) -> list[tuple[int, str | None]]:
    """The budgets scored at a level, ascending, then the rules at their largest budget."""
    metric = seeds.record.task.metric
    cells: list[Cell] = [cell for cell in seeds.record.cells if (cell.level, cell.metric) == (level, metric)]
    budgets: list[tuple[int, str | None]] = [
        (b, None) for b in sorted({c.budget for c in cells if c.exit is None})
    ]
    rules = {cell.exit: max(c.budget for c in cells if c.exit == cell.exit) for cell in cells if cell.exit}
    return budgets + [(budget, rule) for rule, budget in sorted(rules.items())]


def _text(repo: str, facts: Card, seeds: Seeds) -> str:
    record = seeds.record
    task, model = record.task, record.model
    rows = [
        f"| {level} | {data.kind} | {_shown(seeds, level)} | {data.n:,} |"
        for level, data in task.levels.items()
    ]
    count = len(seeds.filed)
    return "\n".join([
        f"# {facts.title}\n",
        f"{facts.summary}\n",
        f"Trained on {task.suite} at the easy level {', '.join(task.train_levels)} alone, scored on harder ones by "
        f"[easy2hard](https://github.com/easy2hard/easy2hard), {record.track} track.\n",
        f"| level | kind | {label(task.metric)} | samples |",
        "|---|---|---:|---:|",
        *rows,
        "",
        f"The answer was declared before any hard sample was seen: `{record.declared_answer}`. "
        f"{count} training seed{'s' if count > 1 else ''}; the weights are those of seed {record.training_seed}. "
        f"{model.params_total:,} parameters; {model.macs_fixed:,} multiply-accumulates, and "
        f"{model.macs_per_iteration:,} more per iteration. "
        "All levels and budgets stand in the model-index above and in the records.\n",
        "```",
        "pip install easy2hard",
        f"easy2hard evaluate hf:{repo} --suite {task.suite} --trust-code",
        "```\n",
        f"`{model.id}/model.py` is code, and evaluating runs it: read it first. Weights are safetensors.\n",
        f"- authors: {facts.authors}",
        f"- source: {facts.source}",
        *([f"- paper: {facts.paper}"] if facts.paper else []),
        f"- licence: {facts.licence}",
        f"- band: {model.band}; recipe: {model.recipe or 'none'}",
        f"- unit of the scores: {unit(task.metric) or 'none'}; higher is better",
        "",
    ])  # fmt: skip


def _shown(seeds: Seeds, level: str) -> str:
    metric = seeds.record.task.metric
    values = [cell.value for cell in seeds.cells(level, metric)]
    if not values:
        return "n/a"
    return show_spread(metric, mean(values), stdev(values) if len(values) > 1 else None)
