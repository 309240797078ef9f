"""What goes wrong with stacks as a whole; what is wrong with a template is `templates.source.TemplateError`."""


class ApplyError(Exception):
    """A template was not applied. One line: where, what, and what to do."""
