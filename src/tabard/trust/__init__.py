"""May this identity take this role?"""
