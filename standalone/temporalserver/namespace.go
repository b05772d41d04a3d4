package temporalserver

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/operatorservice/v1"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"
	"google.golang.org/protobuf/types/known/durationpb"
)

// prepareNamespace makes what a case needs and waits until all services know
// of it: a new namespace or attribute is not seen at once everywhere.
func (s *Server) prepareNamespace(ctx context.Context) error {
	c, err := s.dial(ctx)
	if err != nil {
		return err
	}
	defer c.Close()

	if err := s.registerNamespace(ctx, c); err != nil {
		return fmt.Errorf("make namespace %s: %w", s.opts.Namespace, err)
	}
	added, err := s.addSearchAttributes(ctx, c)
	if err != nil {
		return fmt.Errorf("add search attributes to namespace %s: %w", s.opts.Namespace, err)
	}
	if err := s.awaitSearchAttributes(ctx, c); err != nil {
		return fmt.Errorf("wait for search attributes of namespace %s: %w", s.opts.Namespace, err)
	}
	if !added {
		return nil
	}
	// The frontend knows them. The others, who cannot be asked, look as often.
	select {
	case <-time.After(refresh):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (s *Server) registerNamespace(ctx context.Context, c client.Client) error {
	_, err := c.WorkflowService().RegisterNamespace(ctx, &workflowservice.RegisterNamespaceRequest{
		Namespace:                        s.opts.Namespace,
		Description:                      "Key account management process",
		WorkflowExecutionRetentionPeriod: durationpb.New(s.opts.Retention),
	})
	if exists := (*serviceerror.NamespaceAlreadyExists)(nil); errors.As(err, &exists) {
		return nil
	}
	return err
}

// addSearchAttributes tells whether there was one to add. It never changes the
// type of one that exists: the values stored under it would be lost.
func (s *Server) addSearchAttributes(ctx context.Context, c client.Client) (bool, error) {
	var known map[string]enumspb.IndexedValueType
	err := retry(ctx, func() error {
		list, err := c.OperatorService().ListSearchAttributes(ctx, &operatorservice.ListSearchAttributesRequest{Namespace: s.opts.Namespace})
		known = list.GetCustomAttributes()
		return err
	})
	if err != nil {
		return false, err
	}
	missing := map[string]enumspb.IndexedValueType{}
	for name, want := range s.opts.SearchAttributes {
		have, ok := known[name]
		switch {
		case !ok:
			missing[name] = want
		case have != want:
			return false, fmt.Errorf("%s exists with type %v, want %v", name, have, want)
		}
	}
	if len(missing) == 0 {
		return false, nil
	}
	_, err = c.OperatorService().AddSearchAttributes(ctx, &operatorservice.AddSearchAttributesRequest{
		Namespace:        s.opts.Namespace,
		SearchAttributes: missing,
	})
	return true, err
}

// awaitSearchAttributes asks for all of them in one query until it is
// understood. Without attributes it waits for the namespace alone.
func (s *Server) awaitSearchAttributes(ctx context.Context, c client.Client) error {
	var conditions []string
	for _, name := range slices.Sorted(maps.Keys(s.opts.SearchAttributes)) {
		conditions = append(conditions, name+" IS NULL")
	}
	return retry(ctx, func() error {
		_, err := c.CountWorkflow(ctx, &workflowservice.CountWorkflowExecutionsRequest{
			Namespace: s.opts.Namespace,
			Query:     strings.Join(conditions, " AND "),
		})
		return err
	})
}
