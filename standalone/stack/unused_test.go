package stack_test

import (
	"testing"

	"github.com/stretchr/testify/require"
	computepb "go.temporal.io/api/compute/v1"
	deploymentpb "go.temporal.io/api/deployment/v1"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/server/common/archiver/gcloud"
	"go.temporal.io/server/common/archiver/s3store"
	"go.temporal.io/server/common/config"
	"go.temporal.io/server/common/log"
	"go.temporal.io/server/common/metrics"
	"go.temporal.io/server/common/persistence/sql"
	"go.temporal.io/server/common/persistence/sql/sqlplugin"
	"go.temporal.io/server/common/persistence/sql/sqlplugin/sqlite"
	elastic "go.temporal.io/server/common/persistence/visibility/store/elasticsearch/client"
	"go.temporal.io/server/common/resolver"
)

const notCarried = "this build of kamflow does not carry "

// TestNotCarried asks the Temporal server for what stands under
// standalone/unused.
func TestNotCarried(t *testing.T) {
	t.Parallel()

	logger, meter := log.NewNoopLogger(), metrics.NoopMetricsHandler
	amazon := &config.S3Archiver{Region: "eu-central-1"}
	google := &config.GstorageArchiver{}
	static := elastic.ESAWSRequestSigningConfig{Enabled: true, Region: amazon.Region, CredentialProvider: "static"}
	fromHost := elastic.ESAWSRequestSigningConfig{Enabled: true, Region: amazon.Region, CredentialProvider: "aws-sdk-default"}
	for name, c := range map[string]struct {
		ask  func() error
		what string
	}{
		"histories in S3": {
			func() error { _, err := s3store.NewHistoryArchiver(nil, logger, meter, amazon); return err },
			"Amazon Web Services",
		},
		"visibility in S3": {
			func() error { _, err := s3store.NewVisibilityArchiver(logger, meter, amazon); return err },
			"Amazon Web Services",
		},
		"histories in Cloud Storage": {
			func() error { _, err := gcloud.NewHistoryArchiver(nil, logger, meter, google); return err },
			"Google Cloud Storage",
		},
		"visibility in Cloud Storage": {
			func() error { _, err := gcloud.NewVisibilityArchiver(logger, meter, google); return err },
			"Google Cloud Storage",
		},
		"OpenSearch, credentials of the host": {
			func() error { _, err := elastic.NewAwsHttpClient(fromHost); return err },
			"Amazon Web Services",
		},
		"OpenSearch, credentials given": {
			func() error {
				signed, err := elastic.NewAwsHttpClient(static)
				require.NoError(t, err)
				_, err = signed.Get("http://127.0.0.1:1") //nolint:bodyclose // there is none
				return err
			},
			"Amazon Web Services",
		},
		"SQLite": {
			func() error {
				_, err := sql.NewSQLDB(sqlplugin.DbKindMain, &config.SQL{PluginName: sqlite.PluginName}, resolver.NewNoopResolver(), logger, meter)
				return err
			},
			"SQLite",
		},
	} {
		require.ErrorContains(t, c.ask(), notCarried+c.what, name)
	}
}

// serverless asks for workers that Temporal scales. Versions without are
// described and deleted as ever.
func serverless(t *testing.T, c client.Client, namespace string) {
	t.Helper()
	service := c.WorkflowService()
	version := &deploymentpb.WorkerDeploymentVersion{DeploymentName: "serverless", BuildId: "1"}
	group := &computepb.ComputeConfigScalingGroup{Provider: &computepb.ComputeProvider{Type: "aws-lambda"}}
	refused := func(err error) {
		t.Helper()
		require.ErrorAs(t, err, new(*serviceerror.InvalidArgument))
		require.ErrorContains(t, err, notCarried+"the scaling of serverless workers")
	}

	_, err := service.CreateWorkerDeployment(t.Context(), &workflowservice.CreateWorkerDeploymentRequest{
		Namespace: namespace, DeploymentName: version.GetDeploymentName(),
	})
	require.NoError(t, err)
	_, err = service.CreateWorkerDeploymentVersion(t.Context(), &workflowservice.CreateWorkerDeploymentVersionRequest{
		Namespace: namespace, DeploymentVersion: version,
		ComputeConfig: &computepb.ComputeConfig{ScalingGroups: map[string]*computepb.ComputeConfigScalingGroup{"all": group}},
	})
	refused(err)

	_, err = service.CreateWorkerDeploymentVersion(t.Context(), &workflowservice.CreateWorkerDeploymentVersionRequest{
		Namespace: namespace, DeploymentVersion: version,
	})
	require.NoError(t, err)
	_, err = service.UpdateWorkerDeploymentVersionComputeConfig(t.Context(), &workflowservice.UpdateWorkerDeploymentVersionComputeConfigRequest{
		Namespace: namespace, DeploymentVersion: version,
		ComputeConfigScalingGroups: map[string]*computepb.ComputeConfigScalingGroupUpdate{"all": {ScalingGroup: group}},
	})
	refused(err)
	_, err = service.ValidateWorkerDeploymentVersionComputeConfig(t.Context(), &workflowservice.ValidateWorkerDeploymentVersionComputeConfigRequest{
		Namespace: namespace, DeploymentVersion: version,
		ComputeConfigScalingGroups: map[string]*computepb.ComputeConfigScalingGroupUpdate{"all": {ScalingGroup: group}},
	})
	refused(err)

	described, err := service.DescribeWorkerDeploymentVersion(t.Context(), &workflowservice.DescribeWorkerDeploymentVersionRequest{
		Namespace: namespace, DeploymentVersion: version,
	})
	require.NoError(t, err)
	require.Nil(t, described.GetWorkerDeploymentVersionInfo().GetComputeConfig())
	_, err = service.DeleteWorkerDeploymentVersion(t.Context(), &workflowservice.DeleteWorkerDeploymentVersionRequest{
		Namespace: namespace, DeploymentVersion: version,
	})
	require.NoError(t, err)
}
