"""SigV4 on the server side: who signed, for what, when, and is the signature right."""
