"""The law: IAM's policy language and the decision.

It owns the grammar, matching, conditions, variables and the combination of policies of every kind. It
does not know where policies are kept, who calls, or what time it is: all of that is in the request.
"""
