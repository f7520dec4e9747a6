"""Approximate unlearners: what one could do in place of training again without what is to be forgotten.

Each is a module with `unlearn(task, settings)`, which changes the task's network in place and yields the log rows of
what it trained: together they are task.samples samples, and not one more.
"""
