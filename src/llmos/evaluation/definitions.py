"""What a benchmark repository asks at a commit: its eval.yaml, and the rows beside it.

Everything follows from the commit. Two commits with the same digest ask every model the same, so
their scores stand on one board; a changed card or description opens no new one.
"""

import hashlib
from dataclasses import dataclass
from pathlib import PurePosixPath

import yaml
from django.utils.translation import gettext as _

from llmos.hub.facts.cards import read_card
from llmos.hub.git import tree
from llmos.hub.models import Repository
from llmos.hub.snapshots import files_of
from llmos.lab.benchmarks import FILE, Benchmark, benchmark_hash, parse_benchmark
from llmos.lab.errors import BadBenchmark
from llmos.lab.sources import SUFFIXES
from llmos.wire.receipts import canonical

LONGEST_FILE = 64 * 2**10  # bytes; a definition is a page long
DEEPEST = 8
LOWER_IS_BETTER = frozenset({"perplexity"})


@dataclass(frozen=True, slots=True)
class Definition:
    """A benchmark at a commit, as its board is known by."""

    benchmark: Benchmark
    digest: str
    commit: str

    @property
    def higher_is_better(self) -> bool:
        return self.benchmark.primary not in LOWER_IS_BETTER


def has_definition(repository: Repository, sha: str) -> bool:
    return repository.type == "dataset" and bool(tree.entries_at(repository.pk, sha, [FILE]))


def definition_at(repository: Repository, sha: str) -> Definition | None:
    """The benchmark at a commit, or None where the repository is none. Raises BadBenchmark."""
    if not has_definition(repository, sha):
        return None
    content = tree.read_file(repository.pk, sha, FILE, limit=LONGEST_FILE)
    if content is None:
        raise BadBenchmark(
            _("%(file)s is over %(n)d KiB; a definition is a page")
            % {"file": FILE, "n": LONGEST_FILE // 1024}
        )
    try:
        text = content.decode()
    except UnicodeDecodeError:
        raise BadBenchmark(_("%(file)s is not UTF-8 text") % {"file": FILE}) from None
    benchmark = parsed(text)
    return Definition(benchmark, _digest(repository, sha, benchmark), sha)


def parsed(text: str) -> Benchmark:
    """A definition from a stranger's text. Raises BadBenchmark."""
    _refuse_bombs(text)
    return parse_benchmark(text)


def _refuse_bombs(text: str) -> None:
    """A few anchors can stand for billions of values, and deep nesting ends the process."""
    depth = 0
    try:
        for event in yaml.parse(text):
            if isinstance(event, yaml.AliasEvent):
                raise BadBenchmark(
                    _("%(file)s: write the values out, without anchors and aliases")
                    % {"file": FILE}
                )
            depth += isinstance(event, yaml.CollectionStartEvent)
            depth -= isinstance(event, yaml.CollectionEndEvent)
            if depth > DEEPEST:
                raise BadBenchmark(
                    _("%(file)s nests over %(n)d deep") % {"file": FILE, "n": DEEPEST}
                )
    except yaml.YAMLError as error:
        raise BadBenchmark(
            _("%(file)s is no YAML: %(why)s") % {"file": FILE, "why": error}
        ) from error


def _digest(repository: Repository, sha: str, benchmark: Benchmark) -> str:
    """With rows elsewhere their commit is part of the definition; own rows are hashed beside it."""
    asked = benchmark_hash(benchmark)
    if benchmark.data.repo:
        return asked
    rows = {
        entry.path: entry.etag
        for entry in files_of(repository.pk, sha)
        if PurePosixPath(entry.path).suffix.lower() in SUFFIXES
    }
    card = tree.read_file(repository.pk, sha, "README.md") or b""
    # The card may say which files are which split.
    configs = read_card(card.decode("utf-8", "replace")).front.get("configs")
    content = {"asked": asked, "rows": rows, "configs": configs}
    return hashlib.sha256(canonical(content)).hexdigest()


# As authors spell our metrics in cards; other names are compared letter by letter.
_SPELLINGS = {
    "bleu": "sacrebleu",
    "rouge": "rougel",
    "f1": "squad_f1",
    "em": "exact_match",
    "acc": "accuracy",
    "ppl": "perplexity",
}


def measures(stated: str, metric: str) -> bool:
    """Whether a claim's metric is a board's primary one; `.eval_results` files name none."""
    name = stated.casefold().replace("-", "_").replace(" ", "_")
    return name in {"", metric.casefold()} or _SPELLINGS.get(name) == metric.casefold()
