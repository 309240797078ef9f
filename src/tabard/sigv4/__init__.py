"""AWS Signature Version 4, seen from the server: what a request claims, and whether its signature bears that out.

(AWS General Reference, "Signature Version 4 signing process".) Nothing here looks up a key or asks for the time;
secrets, signing keys and `now` are arguments.
"""
