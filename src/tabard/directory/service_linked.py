"""Service-linked roles: which services have one, what it is called, and which policy it carries.

(IAM User Guide, "Service-linked roles"; the service's own guide for each row.) Tabard has none of these services, so
nobody ever takes such a role: it is made because tools make it, under AWS's name and with AWS's policy attached. Such
a policy has AWS's name and path; its id and date are not AWS's, and its document allows nothing, for there is nothing
of these services here to be allowed.
"""

import base64
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Final

from tabard.directory.entities import AWS_ACCOUNT, ManagedPolicy, PolicyVersion
from tabard.directory.rules import SERVICE_LINKED_PATH
from tabard.names import ids


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkedService:
    """A service that has a role in every account that uses it; with `takes_suffix`, one for each suffix."""

    principal: str
    role_name: str
    policy_name: str
    takes_suffix: bool

    @property
    def path(self) -> str:
        return f"{SERVICE_LINKED_PATH}{self.principal}/"

    @property
    def policy_arn(self) -> str:
        return f"arn:aws:iam::{AWS_ACCOUNT}:policy{SERVICE_LINKED_PATH}{self.policy_name}"

    @property
    def trust_policy(self) -> str:
        """Only the service may take the role."""
        statement = {"Effect": "Allow", "Principal": {"Service": self.principal}, "Action": "sts:AssumeRole"}
        return json.dumps({"Version": "2012-10-17", "Statement": [statement]}, separators=(",", ":"))


def _service(word: str, role: str, policy: str, takes_suffix: bool) -> LinkedService:
    return LinkedService(
        principal=f"{word}.amazonaws.com",
        role_name=f"AWSServiceRoleFor{role}",
        policy_name=policy,
        takes_suffix=takes_suffix,
    )


def _policy(service: LinkedService) -> ManagedPolicy:
    digest = base64.b32encode(hashlib.sha256(service.policy_name.encode()).digest()).decode()
    nothing = {"Effect": "Allow", "Action": "none:null", "Resource": "*"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [nothing]}, indent=4)
    return ManagedPolicy(
        account=AWS_ACCOUNT,
        name=service.policy_name,
        id=f"{ids.MANAGED_POLICY}{digest[:17]}",
        created=_MADE,
        updated=_MADE,
        path=SERVICE_LINKED_PATH,
        description=f"For the service-linked role of {service.principal}.",
        versions=(PolicyVersion(id="v1", document=document, created=_MADE),),
    )


_MADE: Final = datetime(2017, 6, 1, tzinfo=UTC)
"""About when AWS began to have service-linked roles."""

LINKED_SERVICES: Final[Mapping[str, LinkedService]] = MappingProxyType(
    {
        service.principal: service
        for service in (
            _service(*row)
            for row in (
                (
                    "accountdiscovery.ssm",
                    "AmazonSSM_AccountDiscovery",
                    "AWSSystemsManagerAccountDiscoveryServicePolicy",
                    False,
                ),
                ("acm", "CertificateManager", "CertificateManagerServiceRolePolicy", False),
                ("appmesh", "AppMesh", "AWSAppMeshServiceRolePolicy", False),
                (
                    "autoscaling-plans",
                    "AutoScalingPlans_EC2AutoScaling",
                    "AWSAutoScalingPlansEC2AutoScalingPolicy",
                    False,
                ),
                ("autoscaling", "AutoScaling", "AutoScalingServiceRolePolicy", True),
                ("backup", "Backup", "AWSBackupServiceLinkedRolePolicyForBackup", False),
                ("batch", "Batch", "BatchServiceRolePolicy", False),
                (
                    "cassandra.application-autoscaling",
                    "ApplicationAutoScaling_CassandraTable",
                    "AWSApplicationAutoscalingCassandraTablePolicy",
                    False,
                ),
                (
                    "cks.kms",
                    "KeyManagementServiceCustomKeyStores",
                    "AWSKeyManagementServiceCustomKeyStoresServiceRolePolicy",
                    False,
                ),
                ("cloudtrail", "CloudTrail", "CloudTrailServiceRolePolicy", False),
                ("codestar-notifications", "CodeStarNotifications", "AWSCodeStarNotificationsServiceRolePolicy", False),
                ("config", "Config", "AWSConfigServiceRolePolicy", False),
                ("connect", "AmazonConnect", "AmazonConnectServiceLinkedRolePolicy", True),
                ("dms-fleet-advisor", "DMSFleetAdvisor", "AWSDMSFleetAdvisorServiceRolePolicy", False),
                ("dms", "DMSServerless", "AWSDMSServerlessServiceRolePolicy", False),
                ("docdb-elastic", "DocDB-Elastic", "AmazonDocDB-ElasticServiceRolePolicy", False),
                (
                    "dynamodb.application-autoscaling",
                    "ApplicationAutoScaling_DynamoDBTable",
                    "AWSApplicationAutoscalingDynamoDBTablePolicy",
                    False,
                ),
                ("ec2-instance-connect", "Ec2InstanceConnect", "Ec2InstanceConnectEndpoint", False),
                (
                    "ec2.application-autoscaling",
                    "ApplicationAutoScaling_EC2SpotFleetRequest",
                    "AWSApplicationAutoscalingEC2SpotFleetRequestPolicy",
                    False,
                ),
                ("ecr", "ECRTemplate", "ECRTemplateServiceRolePolicy", False),
                (
                    "ecs.application-autoscaling",
                    "ApplicationAutoScaling_ECSService",
                    "AWSApplicationAutoscalingECSServicePolicy",
                    False,
                ),
                ("ecs", "ECS", "AmazonECSServiceRolePolicy", False),
                ("eks-connector", "AmazonEKSConnector", "AmazonEKSConnectorServiceRolePolicy", False),
                ("eks-fargate", "AmazonEKSForFargate", "AmazonEKSForFargateServiceRolePolicy", False),
                ("eks-nodegroup", "AmazonEKSNodegroup", "AWSServiceRoleForAmazonEKSNodegroup", False),
                ("eks", "AmazonEKS", "AmazonEKSServiceRolePolicy", False),
                ("elasticache", "ElastiCache", "ElastiCacheServiceRolePolicy", False),
                ("elasticbeanstalk", "ElasticBeanstalk", "AWSElasticBeanstalkServiceRolePolicy", False),
                ("elasticfilesystem", "AmazonElasticFileSystem", "AmazonElasticFileSystemServiceRolePolicy", False),
                ("elasticloadbalancing", "ElasticLoadBalancing", "AWSElasticLoadBalancingServiceRolePolicy", False),
                ("email.cognito-idp", "AmazonCognitoIdpEmailService", "AmazonCognitoIdpEmailServiceRolePolicy", False),
                ("emr-containers", "AmazonEMRContainers", "AmazonEMRContainersServiceRolePolicy", False),
                ("emrwal", "EMRWAL", "EMRDescribeClusterPolicyForEMRWAL", False),
                ("es", "AmazonElasticsearchService", "AmazonElasticsearchServiceRolePolicy", False),
                ("fis", "FIS", "AmazonFISServiceRolePolicy", False),
                ("grafana", "AmazonGrafana", "AmazonGrafanaServiceLinkedRolePolicy", False),
                ("imagebuilder", "ImageBuilder", "AWSServiceRoleForImageBuilder", False),
                ("iotmanagedintegrations", "IoTManagedIntegrations", "AWSIoTManagedIntegrationsRolePolicy", False),
                ("kafkaconnect", "KafkaConnect", "KafkaConnectServiceRolePolicy", False),
                ("kafka", "Kafka", "KafkaServiceRolePolicy", False),
                ("lakeformation", "LakeFormationDataAccess", "LakeFormationDataAccessServiceRolePolicy", False),
                ("lexv2", "LexV2Bots", "AmazonLexV2BotPolicy", True),
                ("lex", "LexBots", "AmazonLexBotPolicy", False),
                ("lightsail", "Lightsail", "LightsailExportAccess", False),
                ("m2", "AWSM2", "AWSM2ServicePolicy", False),
                ("memorydb", "MemoryDB", "MemoryDBServiceRolePolicy", False),
                ("mq", "AmazonMQ", "AmazonMQServiceRolePolicy", False),
                (
                    "mrk.kms",
                    "KeyManagementServiceMultiRegionKeys",
                    "AWSKeyManagementServiceMultiRegionKeysServiceRolePolicy",
                    False,
                ),
                ("notifications", "AwsUserNotifications", "AWSUserNotificationsServiceLinkedRolePolicy", False),
                (
                    "observability.aoss",
                    "AmazonOpenSearchServerless",
                    "AmazonOpenSearchServerlessServiceRolePolicy",
                    False,
                ),
                ("opensearchservice", "AmazonOpenSearchService", "AmazonOpenSearchServiceRolePolicy", False),
                ("ops.apigateway", "APIGateway", "APIGatewayServiceRolePolicy", False),
                ("ops.emr-serverless", "AmazonEMRServerless", "AmazonEMRServerlessServiceRolePolicy", False),
                (
                    "opsdatasync.ssm",
                    "SystemsManagerOpsDataSync",
                    "AWSSystemsManagerOpsDataSyncServiceRolePolicy",
                    False,
                ),
                ("opsinsights.ssm", "AmazonSSM_OpsInsights", "AWSSSMOpsInsightsServiceRolePolicy", False),
                ("organizations", "Organizations", "AWSOrganizationsServiceTrustPolicy", False),
                ("pullthroughcache.ecr", "ECRPullThroughCache", "AWSECRPullThroughCache_ServiceRolePolicy", False),
                ("ram", "ResourceAccessManager", "AWSResourceAccessManagerServiceRolePolicy", False),
                ("rds", "RDS", "AmazonRDSServiceRolePolicy", False),
                ("redshift", "Redshift", "AmazonRedshiftServiceLinkedRolePolicy", False),
                ("replication.cassandra", "KeyspacesReplication", "KeyspacesReplicationServiceRolePolicy", False),
                ("replication.ecr", "ECRReplication", "ECRReplicationServiceRolePolicy", False),
                ("repository.sync.codeconnections", "GitSync", "AWSGitSyncServiceRolePolicy", False),
                ("resource-explorer-2", "ResourceExplorer", "AWSResourceExplorerServiceRolePolicy", False),
                ("rolesanywhere", "RolesAnywhere", "AWSRolesAnywhereServicePolicy", False),
                ("s3-outposts", "S3OnOutposts", "AWSS3OnOutpostsServiceRolePolicy", False),
                ("ses", "AmazonSES", "AmazonSESServiceRolePolicy", False),
                ("shield", "AWSShield", "AWSShieldServiceRolePolicy", False),
                ("spotfleet", "EC2SpotFleet", "AWSEC2SpotFleetServiceRolePolicy", False),
                ("spot", "EC2Spot", "AWSEC2SpotServiceRolePolicy", False),
                ("ssm-incidents", "IncidentManager", "AWSIncidentManagerServiceRolePolicy", False),
                ("ssm-quicksetup", "SSMQuickSetup", "SSMQuickSetupRolePolicy", False),
                ("ssm", "AmazonSSM", "AmazonSSMServiceRolePolicy", False),
                ("sso", "SSO", "AWSSSOServiceRolePolicy", False),
                ("support", "Support", "AWSSupportServiceRolePolicy", False),
                ("trustedadvisor", "TrustedAdvisor", "AWSTrustedAdvisorServiceRolePolicy", False),
                ("vpcorigin.cloudfront", "CloudFrontVPCOrigin", "AWSCloudFrontVPCOriginServiceRolePolicy", False),
                ("wafv2", "WAFV2Logging", "WAFV2LoggingServiceRolePolicy", False),
                ("waf", "WAFLogging", "WAFLoggingServiceRolePolicy", False),
            )
        )
    }
)
"""Service principal → service, in the order of the word before `.amazonaws.com`."""

SERVICE_ROLE_POLICIES: Final[Mapping[str, ManagedPolicy]] = MappingProxyType(
    {service.policy_arn: _policy(service) for service in LINKED_SERVICES.values()}
)
"""ARN → policy."""
