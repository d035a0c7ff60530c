"""Outputs against reference texts: BLEU and chrF by sacreBLEU, ROUGE by rouge-score, equality."""

from collections.abc import Sequence
from importlib.metadata import version
from typing import Any

import numpy as np

from llmos.lab.errors import BadBenchmark
from llmos.lab.metrics.counting import Counted, mean_of
from llmos.lab.metrics.languages import Language

References = Sequence[Sequence[str]]  # one or more for each output


def sacrebleu(outputs: Sequence[str], references: References, *, tokenize: str) -> Counted:
    """Corpus BLEU; of a row sentence BLEU with effective order. Raises BadBenchmark."""
    from sacrebleu.metrics.bleu import BLEU

    try:
        metric, alone = BLEU(tokenize=tokenize), BLEU(tokenize=tokenize, effective_order=True)
    except (AssertionError, ValueError, KeyError, ImportError, RuntimeError) as error:
        raise BadBenchmark(f"sacreBLEU cannot tokenise by {tokenize!r}: {error}") from error
    return _by_sacrebleu("sacrebleu", metric, alone, outputs, references)


def chrf(outputs: Sequence[str], references: References) -> Counted:
    """Corpus chrF2."""
    from sacrebleu.metrics.chrf import CHRF

    metric = CHRF()
    return _by_sacrebleu("chrf", metric, metric, outputs, references)


def rouge(
    name: str, outputs: Sequence[str], references: References, *, language: Language
) -> Counted:
    """Mean F1, of several references the best."""
    from rouge_score.rouge_scorer import RougeScorer
    from rouge_score.tokenizers import Tokenizer

    class Letters(Tokenizer):  # type: ignore[misc]
        """Chinese has no spaces: each letter counts, numbers and Latin words stay whole."""

        def tokenize(self, text: str) -> list[str]:
            return letters(text)

    chinese = language == "zh"
    scorer = RougeScorer([name], use_stemmer=not chinese, tokenizer=Letters() if chinese else None)
    values = [
        scorer.score_multi(list(texts), output)[name].fmeasure
        for output, texts in zip(outputs, references, strict=True)
    ]
    how = "tok:characters|stem:no" if chinese else "tok:rouge-score|stem:porter"
    return mean_of(name, f"{name}|f1|{how}|version:{version('rouge-score')}", values)


def exact_match(outputs: Sequence[str], references: References) -> Counted:
    values = [
        float(output.strip() in {text.strip() for text in texts})
        for output, texts in zip(outputs, references, strict=True)
    ]
    return mean_of("exact_match", "exact_match|case:mixed|strip:yes", values)


def letters(text: str) -> list[str]:
    """Lower-case words of Latin letters and digits, every other letter by itself."""
    found: list[str] = []
    word = ""
    for letter in text.lower():
        if letter.isascii() and letter.isalnum():
            word += letter
            continue
        if word:
            found.append(word)
            word = ""
        if letter.isalnum():
            found.append(letter)
    return [*found, word] if word else found


def _by_sacrebleu(
    name: str, metric: Any, alone: Any, outputs: Sequence[str], references: References
) -> Counted:
    # The counts that sacreBLEU itself resamples for its own intervals and paired tests.
    counts = metric._extract_corpus_statistics(list(outputs), _streams(references))
    return Counted(
        name=name,
        signature=str(metric.get_signature()),
        counts=np.array(counts),
        total=lambda sums: float(metric._compute_score_from_stats(sums.tolist()).score),
        rows=[alone._compute_score_from_stats(list(row)).score for row in counts],
    )


def _streams(references: References) -> list[list[str | None]]:
    """References as sacreBLEU reads them: stream n holds every row's nth, or None."""
    most = max(len(texts) for texts in references)
    return [
        [texts[place] if place < len(texts) else None for texts in references]
        for place in range(most)
    ]
