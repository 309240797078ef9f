"""Cases: a request, the policies that it is judged by, and what is expected, all in one JSON object.

`form` reads one and refuses what it does not know; `principals` tells what follows from a principal's ARN; `documents`
compiles the policies; `answers` decides and tells the reasons. `schemas/` holds the JSON Schemas of both. Files and
standard input belong to the command line.
"""
