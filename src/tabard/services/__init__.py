"""What is protected: pure descriptions that turn a request into the question put to the decision."""
