"""CloudFormation templates of IAM resources: what they say, and what would have to change for it to be so."""
