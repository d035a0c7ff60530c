"""Short answers: exact match and F1 as SQuAD 1.1 (English) and CMRC 2018 (Chinese) define them.

Rajpurkar et al. 2016, https://arxiv.org/abs/1606.05250; Cui et al. 2019,
https://arxiv.org/abs/1810.07366, whose script segments by letters and compares by the longest
common run of segments. English runs inside Chinese text are split as NLTK splits words, without
first splitting sentences, which would need data that no package brings.
"""

import re
import string
from collections import Counter
from collections.abc import Callable, Sequence
from difflib import SequenceMatcher

from llmos.lab.metrics.counting import Counted, mean_of
from llmos.lab.metrics.languages import Language
from llmos.lab.metrics.texts import References

_ARTICLES = re.compile(r"\b(a|an|the)\b")
_PUNCTUATION = str.maketrans("", "", string.punctuation)
# The list of CMRC's script. Its "……" is two letters long there, so that none is ever removed.
_CHINESE_PUNCTUATION = frozenset("-:_*^/\\~`+=，。：？！“”；’《》·、「」（）－～『』")
_HAN = re.compile(r"[\u4e00-\u9fa5]")

_SIGNATURES = {"en": "lang:en|norm:squad-1.1", "zh": "lang:zh|norm:cmrc-2018|words:nltk"}


def squad_exact_match(
    outputs: Sequence[str], references: References, *, language: Language
) -> Counted:
    same = _chinese_equal if language == "zh" else _english_equal
    values = _best(outputs, references, lambda text, output: float(same(text, output)))
    return mean_of("squad_exact_match", f"squad_exact_match|{_SIGNATURES[language]}", values)


def squad_f1(outputs: Sequence[str], references: References, *, language: Language) -> Counted:
    values = _best(outputs, references, _chinese_f1 if language == "zh" else _english_f1)
    return mean_of("squad_f1", f"squad_f1|{_SIGNATURES[language]}", values)


def _best(
    outputs: Sequence[str], references: References, score: Callable[[str, str], float]
) -> list[float]:
    return [
        max(score(text, output) for text in texts)
        for output, texts in zip(outputs, references, strict=True)
    ]


def _english_equal(reference: str, output: str) -> bool:
    return _english_words(reference) == _english_words(output)


def _english_f1(reference: str, output: str) -> float:
    right, said = _english_words(reference), _english_words(output)
    same = sum((Counter(right) & Counter(said)).values())
    return _f1(same, len(said), len(right))


def _english_words(text: str) -> list[str]:
    """Without case, punctuation and articles, in this order."""
    return _ARTICLES.sub(" ", text.lower().translate(_PUNCTUATION)).split()


def _chinese_equal(reference: str, output: str) -> bool:
    def bare(text: str) -> str:
        return "".join(one for one in text.lower().strip() if one not in _CHINESE_PUNCTUATION)

    return bare(reference) == bare(output)


def _chinese_f1(reference: str, output: str) -> float:
    right, said = _chinese_segments(reference), _chinese_segments(output)
    matcher = SequenceMatcher(None, right, said, autojunk=False)
    same = matcher.find_longest_match().size
    return _f1(same, len(said), len(right))


def _chinese_segments(text: str) -> list[str]:
    """Chinese letters one by one, what stands between them as words; without punctuation."""
    found: list[str] = []
    between = ""
    for letter in text.lower().strip():
        if letter in _CHINESE_PUNCTUATION:
            continue
        if _HAN.match(letter):
            found += [*_words(between), letter]
            between = ""
        else:
            between += letter
    return [*found, *_words(between)]


def _words(text: str) -> Sequence[str]:
    from nltk.tokenize import word_tokenize

    return list(word_tokenize(text, preserve_line=True))


def _f1(same: int, said: int, right: int) -> float:
    if same == 0:
        return 0.0
    precision, recall = same / said, same / right
    return 2 * precision * recall / (precision + recall)
