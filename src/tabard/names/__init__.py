"""The words: ARNs, account ids, unique ids, tags. Values and their spelling; no rules about who may do what."""
