"""The worker process: `python -m llmos.web.work`, background tasks of the hub at LLMOS_HOME."""

import os

import django

from llmos.kit.loading import uncollected


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "llmos.web.settings")
    with uncollected():
        django.setup(set_prefix=False)

    from llmos.store.worker import run_worker
    from llmos.web.wiring import begin_work

    begin_work()
    run_worker()


if __name__ == "__main__":
    main()
