package temporalserver

import (
	"context"

	"go.temporal.io/api/serviceerror"
	"go.temporal.io/api/workflowservice/v1"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/proto"
)

// maxMessage bounds what people and programs send to a workflow. Ours refuse
// more than 64 KiB themselves, but a signal is in the history before they see
// it, and twenty-six of Temporal's own 2 MiB end a case for good.
const maxMessage = 128 << 10

// refuseLarge turns large messages away before a history is touched.
func refuseLarge(ctx context.Context, req any, _ *grpc.UnaryServerInfo, handler grpc.UnaryHandler) (any, error) {
	switch req.(type) {
	case *workflowservice.SignalWorkflowExecutionRequest, *workflowservice.SignalWithStartWorkflowExecutionRequest,
		*workflowservice.UpdateWorkflowExecutionRequest, *workflowservice.StartWorkflowExecutionRequest,
		*workflowservice.ExecuteMultiOperationRequest, *workflowservice.QueryWorkflowRequest:
		if n := proto.Size(req.(proto.Message)); n > maxMessage {
			return nil, serviceerror.NewInvalidArgumentf("the message has %d bytes, more than %d", n, maxMessage)
		}
	}
	return handler(ctx, req)
}
