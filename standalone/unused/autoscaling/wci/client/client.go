// Package client stands in for Temporal's scaling of serverless workers, which
// brings the clients of Kubernetes, AWS and Google Run. The workers of kamflow
// are programs that somebody starts, so a version of them has nothing to scale.
package client

import (
	"context"

	deploymentpb "go.temporal.io/api/deployment/v1"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/auto-scaled-workers/wci/workflow/iface"
	"go.temporal.io/server/common/namespace"
	"go.uber.org/fx"
)

const missing = "this build of kamflow does not carry the scaling of serverless workers; start workers yourself, or use a Temporal cluster of your own"

// errRefused is an invalid argument because that is what Temporal hands on as
// it is. Any other error it tries five times and then calls its own fault.
var errRefused = serviceerror.NewInvalidArgument(missing)

// Module gives the services of Temporal their client.
var Module = fx.Provide(func() Client { return Client{} })

// A Client knows no version that is scaled.
type Client struct{}

// DescribeWorkerControllerInstance finds none.
func (Client) DescribeWorkerControllerInstance(context.Context, *namespace.Namespace, *deploymentpb.WorkerDeploymentVersion) (*iface.Description, []byte, error) {
	return nil, nil, serviceerror.NewNotFound(missing)
}

// ValidateWorkerControllerInstanceSpec refuses every wish.
func (Client) ValidateWorkerControllerInstanceSpec(context.Context, *namespace.Namespace, *deploymentpb.WorkerDeploymentVersion, string, map[string]iface.ScalingGroupSpecUpdate, []string) error {
	return errRefused
}

// UpdateWorkerControllerInstance changes nothing.
func (Client) UpdateWorkerControllerInstance(context.Context, *namespace.Namespace, *deploymentpb.WorkerDeploymentVersion, []byte, string, map[string]iface.ScalingGroupSpecUpdate, []string) (*iface.Description, error) {
	return nil, errRefused
}

// DeleteWorkerControllerInstance has nothing to delete, which is what the
// removal of a version wants.
func (Client) DeleteWorkerControllerInstance(context.Context, *namespace.Namespace, *deploymentpb.WorkerDeploymentVersion, string) error {
	return nil
}
