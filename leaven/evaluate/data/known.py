"""The benchmarks whose public files are known by name: the data set lm-eval names for each, and where one gets it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Known:
    """A benchmark.

    Args:
        task: its name in `files.yaml`.
        datasets: hub ids whose rows have the form that lm-eval's template expects; the first is lm-eval's.
        config: lm-eval's `dataset_name`.
        form: what its documents must look like (see `forms`).
        get: where one gets the data, one sentence.
        layouts: forms that a copy of the hub's data set may have.
        script: whether the hub has only a script that loads it.
    """

    task: str
    datasets: tuple[str, ...]
    config: str | None
    form: str
    get: str
    layouts: tuple[str, ...] = ("rows",)
    script: bool = False


_FOUNDRY = "mosaicml/llm-foundry has it as scripts/eval/local_data/{}; or the hub's {}."

KNOWN = (
    Known(
        "piqa",
        ("baber/piqa", "ybisk/piqa"),
        None,
        "piqa",
        _FOUNDRY.format("commonsense_reasoning/piqa.jsonl", "baber/piqa"),
    ),
    Known(
        "arc_easy",
        ("allenai/ai2_arc",),
        "ARC-Easy",
        "arc",
        _FOUNDRY.format("world_knowledge/arc_easy.jsonl", "allenai/ai2_arc"),
    ),
    Known(
        "arc_challenge",
        ("allenai/ai2_arc",),
        "ARC-Challenge",
        "arc",
        _FOUNDRY.format("world_knowledge/arc_challenge.jsonl", "allenai/ai2_arc"),
    ),
    Known(
        "boolq",
        ("aps/super_glue",),
        "boolq",
        "boolq",
        _FOUNDRY.format("reading_comprehension/boolq.jsonl", "aps/super_glue"),
    ),
    Known(
        "copa",
        ("aps/super_glue",),
        "copa",
        "copa",
        _FOUNDRY.format("commonsense_reasoning/copa.jsonl", "aps/super_glue"),
    ),
    Known(
        "cb",
        ("aps/super_glue",),
        "cb",
        "cb",
        "tonyzhaozh/few-shot-learning has it as data/cb/val.jsonl (name it cb/val.jsonl); or the hub's aps/super_glue.",
    ),
    Known(
        "winogrande",
        ("allenai/winogrande",),
        "winogrande_xl",
        "winogrande",
        _FOUNDRY.format("language_understanding/winogrande.jsonl", "allenai/winogrande"),
    ),
    Known(
        "hellaswag",
        ("Rowan/hellaswag",),
        None,
        "hellaswag",
        "rowanz/hellaswag has it as data/hellaswag_val.jsonl; or the hub's Rowan/hellaswag.",
    ),
    Known(
        "triviaqa",
        ("mandarjoshi/trivia_qa",),
        "rc.nocontext",
        "triviaqa",
        "The hub's mandarjoshi/trivia_qa has all of it; mosaicml/llm-foundry has 3,000 questions as "
        "scripts/eval/local_data/world_knowledge/triviaqa_sm_sub.jsonl.",
    ),
    Known(
        "nq_open",
        ("google-research-datasets/nq_open",),
        None,
        "nq_open",
        "google-research-datasets/natural-questions has it as nq_open/NQ-open.dev.jsonl; or the hub's "
        "google-research-datasets/nq_open.",
    ),
    Known("sciq", ("allenai/sciq",), None, "sciq", "The hub's allenai/sciq (CC BY-NC 3.0)."),
    Known(
        "social_iqa",
        ("lighteval/siqa", "allenai/social_i_qa"),
        None,
        "social_iqa",
        "The hub's lighteval/siqa, or its authors' dev.jsonl with dev-labels.lst in a folder socialiqa.",
    ),
    Known(
        "storycloze_2016",
        ("LSDSem/story_cloze",),
        "2016",
        "storycloze",
        "Its licence keeps it from being passed on: ask its authors for it, and put the CSV file here as it comes.",
        script=True,
    ),
    Known(
        "storycloze_2018",
        ("LSDSem/story_cloze",),
        "2018",
        "storycloze",
        "Its licence keeps it from being passed on: ask its authors for it, and put the CSV file here as it comes.",
        script=True,
    ),
    Known(
        "lambada_openai",
        ("EleutherAI/lambada_openai",),
        "default",
        "lambada",
        _FOUNDRY.format("language_understanding/lambada_openai.jsonl", "EleutherAI/lambada_openai"),
    ),
    Known(
        "quac",
        ("allenai/quac",),
        None,
        "quac",
        "quac.ai has it as val_v0.2.json (CC BY-SA 4.0).",
        ("quac-dialogues", "rows"),
        script=True,
    ),
    Known(
        "humaneval",
        ("openai/openai_humaneval",),
        None,
        "humaneval",
        "openai/human-eval has it as data/HumanEval.jsonl.gz; or the hub's openai/openai_humaneval.",
    ),
    Known(
        "mbpp",
        ("google-research-datasets/mbpp",),
        "full",
        "mbpp",
        "google-research has it as mbpp/mbpp.jsonl; or the hub's google-research-datasets/mbpp.",
    ),
)


def known(task: str, dataset: str | None, config: str | None) -> Known | None:
    """The benchmark that asks for this data set; without one, the benchmark of this name.

    A task that bears a known name but names other data (a translation, say) is not that benchmark.
    """
    if dataset is None:
        return next((one for one in KNOWN if one.task == task), None)
    fitting = [one for one in KNOWN if dataset in one.datasets and _plain(config) == _plain(one.config)]
    return next((one for one in fitting if one.task == task), fitting[0] if fitting else None)


def _plain(config: str | None) -> str | None:
    return None if config == "default" else config
