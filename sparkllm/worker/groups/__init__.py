"""Questions about whole groups of values, of any number: `llm_agg`.

values of a group ── in order, equal ones once ──► lines ──► chunks that fit a prompt
                                                     ▲               │ asked, for all groups
                                                     │               ▼ of the window together
                                                     └───────── their answers ──► the last one

What is asked depends on the values alone, not on their order or on where they were.
"""

from sparkllm.worker.groups.reduction import GroupAsker, GroupsRequest

__all__ = ["GroupAsker", "GroupsRequest"]
