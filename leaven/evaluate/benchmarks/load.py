"""A live lm-eval task over given documents: no network, no files left behind, no cache in the home folder.

lm-eval takes a function that makes the data set (`custom_dataset`); ours returns the documents that were found. Only
the scored split is given, and the one that examples are drawn from where the task shows examples: lm-eval would
otherwise load every split that the task names.
"""

from __future__ import annotations

import functools
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from leaven.evaluate.benchmarks.named import Named
from leaven.evaluate.harness import quiet
from leaven.ground.canonical import identity
from leaven.ground.errors import BadInput, LeavenError
from leaven.ground.files import sha256_file

if TYPE_CHECKING:
    from lm_eval.api.task import ConfigurableTask

Row = dict[str, Any]
LOCAL = {"json", "csv", "parquet", "text", "arrow"}
"""Formats of `datasets` that read files; any other `dataset_path` is the name of a data set."""
SHOTS_SEED = 1234
"""lm-eval's own default: equal examples for equal documents."""


@dataclass(frozen=True)
class Data:
    """Where a task's documents are, in lm-eval's terms.

    Args:
        dataset: hub id; None where the task file names files, or a function, of its own.
        split: the one that is scored.
        shots: the one that examples are drawn from; None where the task shows none, or has its own.
    """

    dataset: str | None
    config: str | None
    split: str
    shots: str | None

    @property
    def splits(self) -> tuple[str, ...]:
        """Those that are used: the scored one, and that of the examples where it is another."""
        return tuple(dict.fromkeys(split for split in (self.split, self.shots) if split))


def data_of(named: Named) -> Data:
    """What documents a task needs. Raises BadInput where it names no split to score."""
    fields = named.yaml.fields
    split = fields.get("test_split") or fields.get("validation_split")
    if not split:
        raise BadInput(
            "the task has no split to score",
            where=named.file,
            field="test_split",
            fix="give `test_split` or `validation_split`",
        )
    path = fields.get("dataset_path")
    own = path is None or str(path) in LOCAL or fields.get("custom_dataset") is not None
    return Data(
        dataset=None if own else str(path),
        config=None if own or fields.get("dataset_name") is None else str(fields["dataset_name"]),
        split=str(split),
        shots=_shots(fields, str(split)),
    )


def _shots(fields: Mapping[str, Any], split: str) -> str | None:
    """The split that lm-eval would draw examples from."""
    given = fields.get("fewshot_config") or {}
    named = given.get("split") or fields.get("fewshot_split")
    if not fields.get("num_fewshot"):
        return None
    if named:
        return str(named)
    if given.get("samples") is not None:
        return None
    return str(fields.get("training_split") or fields.get("validation_split") or split)


def own_rows(named: Named, config: Mapping[str, Any], split: str) -> list[Row]:
    """The documents of a split that the task file itself says where to find.

    Raises BadInput where they are not files of this machine, or cannot be read.
    """
    import datasets

    given = dict(config.get("dataset_kwargs") or {})
    try:
        with quiet(), tempfile.TemporaryDirectory(prefix="leaven-") as cache:
            if callable(config.get("custom_dataset")):
                found = config["custom_dataset"](**(config.get("metadata") or {}), **given)
            else:
                files = _local(given.pop("data_files", None), named)
                found = datasets.load_dataset(
                    str(config.get("dataset_path")), data_files=files, cache_dir=cache, keep_in_memory=True, **given
                )
            return [dict(row) for row in found[split]]
    except LeavenError:
        raise
    except Exception as error:
        raise BadInput(
            f"the task's own documents cannot be read ({type(error).__name__}: {error})", where=named.file
        ) from None


def own_files(named: Named, split: str) -> list[Path]:
    """The files that hold the documents of a split, where the task file names files."""
    files = _local((named.yaml.fields.get("dataset_kwargs") or {}).get("data_files"), named, missing="kept")
    if isinstance(files, dict):
        files = files.get(split, [])
    return [Path(file) for file in ([files] if isinstance(files, str) else files)]


def own_hashes(named: Named, rows: Mapping[str, Sequence[Row]] | None = None) -> list[str]:
    """What the task's own documents are known by: SHA-256 of every file of the splits that are used; where the task
    has a function that makes them, the identity of the rows of each split.

    Args:
        rows: by split, where the function has been called already.

    Raises BadInput as `own_rows` does, and where the function's rows are not plain data.
    """
    splits = data_of(named).splits
    if named.yaml.fields.get("custom_dataset") is None:
        files = dict.fromkeys(file for split in splits for file in own_files(named, split))
        return [sha256_file(file) for file in files]
    config = named.config()
    try:
        return [identity([split, rows[split] if rows else own_rows(named, config, split)]) for split in splits]
    except (TypeError, ValueError) as error:
        raise BadInput(
            f"the rows of the task's function are not plain data ({error})", where=named.file, field="custom_dataset"
        ) from None


def _local(files: Any, named: Named, missing: str = "refused") -> Any:
    """`data_files` with whole paths: as lm-eval reads them, else beside the task file."""
    if isinstance(files, dict):
        return {split: _local(part, named, missing) for split, part in files.items()}
    if isinstance(files, list):
        return [_local(part, named, missing) for part in files]
    if files is None:
        if missing == "kept":
            return []
        raise BadInput("the task names no files", where=named.file, field="dataset_kwargs.data_files")
    if "://" in str(files):
        raise BadInput(
            f"{files} is not a file of this machine", where=named.file, field="dataset_kwargs.data_files",
            fix="download it and name the file",
        )  # fmt: skip
    for path in (Path(str(files)), named.yaml.path.parent / str(files)):
        if path.is_file():
            return str(path.resolve())
    raise BadInput(f"there is no file {files}", where=named.file, field="dataset_kwargs.data_files")


def live_task(
    named: Named,
    config: Mapping[str, Any],
    rows: Sequence[Row],
    shots: Sequence[Row] | None = None,
    overrides: Mapping[str, Any] | None = None,
) -> ConfigurableTask:
    """lm-eval's task over `rows`.

    Args:
        config: `named.config()`.
        shots: the documents of `data_of(named).shots`.
        overrides: fields that these documents need changed.

    Raises:
        BadInput: the documents do not fit the task.
    """
    from lm_eval.api.task import ConfigurableTask

    wanted = data_of(named)
    fields = {**config, **(overrides or {})}
    splits = {wanted.split: rows}
    if wanted.shots and wanted.shots != wanted.split:
        splits[wanted.shots] = shots or ()
    for name in ("training_split", "validation_split", "test_split"):
        if fields.get(name) not in splits:
            fields[name] = None
    if not wanted.shots:
        fields["training_split"] = fields["fewshot_split"] = None
        kept = dict(fields.get("fewshot_config") or {})
        kept.pop("split", None)
        fields["fewshot_config"] = kept if fields.get("num_fewshot") else None
    fields["dataset_kwargs"] = None
    with quiet():
        made = _dataset(splits, named)
        try:
            task = ConfigurableTask(config={**fields, "custom_dataset": lambda **ignored: made})
        except Exception as error:
            raise _unfit(named, rows, error) from None
    task.set_fewshot_seed(SHOTS_SEED)
    return task


@contextmanager
def compiled_once() -> Iterator[None]:
    """Within it lm-eval compiles each of a task's templates once; by itself it does so for each document, several
    times, and nearly all of its time goes there."""
    from lm_eval.utils import env

    env.from_string = functools.cache(env.from_string)
    try:
        yield
    finally:
        del env.from_string


def _dataset(splits: Mapping[str, Sequence[Row]], named: Named) -> Any:
    import datasets

    for split, rows in splits.items():
        if not rows:
            raise BadInput(f'the split "{split}" has no documents', where=named.file)
    try:
        return datasets.DatasetDict({split: datasets.Dataset.from_list(list(rows)) for split, rows in splits.items()})
    except Exception as error:
        raise BadInput(
            f"the documents do not have the same fields throughout ({error})", where=f"data of {named.name}"
        ) from None


def _unfit(named: Named, rows: Sequence[Row], error: Exception) -> BadInput:
    return BadInput(
        f"the documents do not fit the task ({type(error).__name__}: {error})",
        where=named.file,
        fix=f"they have the fields {', '.join(map(str, rows[0]))}",
    )
