"""The welcome of newcomers: a tour, checklists, first tasks, code examples, guides."""
