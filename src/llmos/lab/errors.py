"""What the laboratory refuses, in words for the member whose data or model it is."""

from llmos.kit.errors import Invalid


class BadRecipe(Invalid):
    """A recipe names an unknown key or holds a value that cannot be."""

    code = "BadRecipe"


class BadData(Invalid):
    """The data are empty, lack a column, or cannot be read."""

    code = "BadData"


class BadBenchmark(Invalid):
    """An eval.yaml, or the settings of an evaluation, say what cannot be measured."""

    code = "BadBenchmark"


class BadModel(Invalid):
    """The folder holds no model that can be read, or a damaged one."""

    code = "BadModel"


class RunsCode(BadModel):
    """The weights are pickles, or the configuration names code to run; neither is loaded here."""

    code = "ModelRunsCode"


class TrainingFailed(Invalid):
    """Training cannot go on: the loss is no number, memory or disk are used up."""

    code = "TrainingFailed"


class EvaluationLost(Invalid):
    """The hub did not take the per-sample outputs, without which no result stands."""

    code = "EvaluationLost"


class MissingPart(Invalid):
    """An optional part of LLMOS is not installed; the message names the extra."""

    code = "MissingPart"
