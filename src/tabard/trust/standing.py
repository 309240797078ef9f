"""A principal together with the policies that it brings along."""

from dataclasses import dataclass

from tabard.policy.compile import PolicySet
from tabard.policy.decide import Layers
from tabard.policy.principal import Principal


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """What a principal stands on: its identity policies, its boundary, its session policy.

    None means that the layer does not apply: root has no identity policies, a user without a boundary has
    none, a session without session policies is not narrowed by any, an account outside an organisation has no
    service control policies.
    """

    principal: Principal
    identity: PolicySet | None = None
    boundary: PolicySet | None = None
    session: PolicySet | None = None
    service_control: tuple[PolicySet, ...] | None = None

    def layers(self) -> Layers:
        """The layers for a resource without a policy of its own."""
        return Layers(
            identity=self.identity,
            boundary=self.boundary,
            session=self.session,
            service_control=self.service_control,
        )

    def layers_with_trust(self, trust: PolicySet, resource_control: tuple[PolicySet, ...] | None = None) -> Layers:
        """The layers for taking a role: its trust policy must allow, in the same account too.

        `resource_control` are the resource control policies of the role's account.
        """
        return Layers(
            identity=self.identity,
            resource=trust,
            boundary=self.boundary,
            session=self.session,
            service_control=self.service_control,
            resource_control=resource_control,
            resource_must_allow=True,
        )
