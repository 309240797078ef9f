"""The AWS API: the HTTP server that clients of STS and IAM talk to."""
