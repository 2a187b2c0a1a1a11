"""Files of llm-foundry's `local_data`, whose texts already stand in a template of its own.

Each is taken out of that template, so that lm-eval's own template can be put around it.
"""

from __future__ import annotations

import re

from leaven.evaluate.data.layouts.layout import Layout, shortened, unwrapped
from leaven.evaluate.data.table import Row, Unfit, index_of, text_of, texts_of

_CHOICE = ("query", "choices", "gold")
_ASKED = "Question: "
_CONNECTIVE = re.compile(r"(.*[^\s,]), (because|therefore)", re.DOTALL)
_QUESTION_OF = {"because": "cause", "therefore": "effect"}


def _two(row: Row) -> tuple[list[str], int]:
    choices = texts_of(row, "choices")
    if len(choices) != 2:
        raise Unfit("choices", f"expected 2 texts, found {len(choices)}")
    return choices, index_of(row, "gold", 2)


def _piqa(row: Row) -> list[Row]:
    """`Question: …\\n`."""
    (first, second), gold = _two(row)
    goal = unwrapped(text_of(row, "query"), _ASKED, "\n", "query")
    return [{"goal": goal, "sol1": first, "sol2": second, "label": gold}]


def _arc(row: Row) -> list[Row]:
    """`Question: …`. A question of three options is padded to four there: the later of two equal ones is left out."""
    choices = texts_of(row, "choices")
    if len(choices) != 4:
        raise Unfit("choices", f"expected 4 texts, found {len(choices)}")
    gold = choices[index_of(row, "gold", 4)]
    options = list(dict.fromkeys(choices))
    labels = list("ABCD"[: len(options)])
    question = unwrapped(text_of(row, "query"), _ASKED, "", "query")
    if question.endswith("\n"):
        raise Unfit("query", f"expected no line end, found {shortened(row['query'])!r}")
    asked = {"text": options, "label": labels}
    return [{"question": question, "choices": asked, "answerKey": labels[options.index(gold)]}]


def _padded(row: Row) -> str:
    twice = len(set(row["choices"])) < len(row["choices"])
    return "hold one option twice (padded to four upstream): it is asked once" if twice else ""


def _boolq(row: Row) -> list[Row]:
    """`Passage: …\\nQuestion: …?`; the question mark is put back by lm-eval's template."""
    choices, gold = _two(row)
    if choices != ["no", "yes"]:
        raise Unfit("choices", f"expected no, yes, found {', '.join(choices)}")
    inside = unwrapped(text_of(row, "query"), "Passage: ", "?", "query")
    passage, mark, question = inside.rpartition("\nQuestion: ")
    if not mark:
        raise Unfit("query", "expected one line with the question below the passage")
    return [{"passage": passage, "question": question, "label": gold}]


def _broken(row: Row) -> str:
    broken = re.search(r"\nQuestion(?!: )", row["query"])
    return 'hold "\\nQuestion" in the passage where upstream overwrote " question"; it is left so' if broken else ""


def _copa(row: Row) -> list[Row]:
    """`…, because` or `…, therefore` → a premise with its full stop, which lm-eval's template drops again."""
    (first, second), gold = _two(row)
    found = _CONNECTIVE.fullmatch(text_of(row, "query"))
    if not found:
        raise Unfit("query", f'expected "…, because" or "…, therefore", found {shortened(row["query"])!r}')
    premise, connective = found.groups()
    question = _QUESTION_OF[connective]
    return [{"premise": f"{premise}.", "question": question, "choice1": first, "choice2": second, "label": gold}]


def _winogrande(row: Row) -> list[Row]:
    """Two contexts that end in an option each, and one continuation → a sentence with a gap.

    Where the gap begins is known to the word: at the last space that both contexts share.
    """
    contexts = texts_of(row, "context_options")
    if len(contexts) != 2 or contexts[0] == contexts[1]:
        raise Unfit("context_options", "expected two contexts that differ")
    equal = next((n for n, (one, other) in enumerate(zip(*contexts, strict=False)) if one != other), None)
    before = contexts[0][: contexts[0].rfind(" ", 0, min(map(len, contexts)) if equal is None else equal) + 1]
    options = [context[len(before) :] for context in contexts]
    continuation = text_of(row, "continuation")
    if not all(options) or "_" in before or continuation != continuation.strip():
        raise Unfit("context_options", "no sentence with one gap can be made of the contexts and the continuation")
    space = " " if continuation[0].isalnum() else ""
    answer = str(index_of(row, "gold", 2) + 1)
    sentence = f"{before}_{space}{continuation}"
    return [{"sentence": sentence, "option1": options[0], "option2": options[1], "answer": answer}]


def _triviaqa(row: Row) -> list[Row]:
    """`Question: …\\nAnswer:`; the question keeps its own mark, as the hub's has one."""
    question = unwrapped(text_of(row, "context"), _ASKED, "\nAnswer:", "context")
    answer, aliases = text_of(row, "answer"), texts_of(row, "aliases")
    if answer not in aliases:
        raise Unfit("aliases", f"the answer {answer!r} is not among them")
    return [{"question": question, "answer": {"value": answer, "aliases": aliases}}]


def _lambada(row: Row) -> list[Row]:
    """A context and its last word → the text, which lm-eval's template takes apart at the last space."""
    context, word = text_of(row, "context"), text_of(row, "continuation").removeprefix(" ")
    if context.endswith(" ") or " " in word:
        raise Unfit("continuation", "the context and the continuation do not meet at the last space")
    return [{"text": f"{context} {word}"}]


def _refused(row: Row) -> list[Row]:
    raise Unfit("choices", "this form is not converted")


FOUNDRY = (
    Layout("foundry-piqa", _CHOICE, _piqa, "piqa"),
    Layout("foundry-arc", _CHOICE, _arc, "arc", remark=_padded),
    Layout(
        "foundry-boolq",
        _CHOICE,
        _boolq,
        "boolq",
        notes=("the passages have no titles; SuperGLUE's, which lm-eval names, begin with the title and ' -- '",),
        remark=_broken,
    ),
    Layout("foundry-copa", _CHOICE, _copa, "copa"),
    Layout("foundry-winogrande", ("context_options", "continuation", "gold"), _winogrande, "winogrande"),
    Layout(
        "foundry-triviaqa",
        ("context", "answer", "aliases"),
        _triviaqa,
        "triviaqa",
        notes=("lm-eval's template puts a question mark behind the question's own, here as over the hub's rows",),
    ),
    Layout("foundry-lambada", ("context", "continuation"), _lambada, "lambada"),
    Layout(
        "foundry-siqa",
        _CHOICE,
        _refused,
        refused="llm-foundry's siqa.jsonl has two of SocialIQA's three options (chance 50 %, not 33 %), as letters",
    ),
)
