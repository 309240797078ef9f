"""What is wrong with a policy that may be saved: rules, one row each, over the tree of a document.

What AWS refuses is refused by `parse`; here stands what AWS saves and should not have been written.
"""
