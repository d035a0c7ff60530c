"""What every worker needs, loaded by the nursery; nothing here starts threads or touches a GPU.

Left out of the collector's walks, which write into what they pass, it stays shared in memory.
"""

from importlib import import_module

from llmos.kit.loading import uncollected

with uncollected():
    for _name in ("finetuning", "language", "loop", "team", "translation"):
        import_module(f"llmos.lab.training.{_name}")
