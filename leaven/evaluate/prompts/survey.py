"""What prompts would be built from, before anything is built: for the identity of a study's prompts."""

from __future__ import annotations

from collections.abc import Sequence

from leaven.evaluate.prompts.choose import choose
from leaven.evaluate.prompts.find import find_set
from leaven.evaluate.prompts.plan import PromptPlan


def survey_prompts(plan: PromptPlan, places: Sequence[str]) -> str:
    """The identity of the files of a plan's set: of their bytes and of how they are read, not of where they lie.

    Files on this computer are read, so that what cannot be used is refused now; on the hub only the commit and the list
    of files are asked for.

    Raises:
        BadInput: the set is nowhere to be found (what was looked for where, and how to get it), cannot be read, or has
            nothing of what the plan asks for.
        LeavenError: `hub` is among the places and cannot be reached.
    """
    located = find_set(plan.set, places)
    if located.remote is None:
        choose(plan, located)
    return located.fingerprint()
