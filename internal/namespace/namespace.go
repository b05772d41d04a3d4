// Package namespace is what kamflow needs of a Temporal namespace: that it is
// there, and the search attributes that a case sets.
package namespace

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

	"github.com/kamflow/kamflow/kam/onboarding"
)

// SearchAttributes are those that a case sets: six keywords and a date, of the
// ten keywords and three dates that visibility on SQL has room for.
func SearchAttributes() map[string]enumspb.IndexedValueType {
	m := map[string]enumspb.IndexedValueType{onboarding.AttrDue: enumspb.INDEXED_VALUE_TYPE_DATETIME}
	for _, name := range []string{onboarding.AttrState, onboarding.AttrStep, onboarding.AttrCaseType, onboarding.AttrTerritory, onboarding.AttrWaitsFor, onboarding.AttrOutcome} {
		m[name] = enumspb.INDEXED_VALUE_TYPE_KEYWORD
	}
	return m
}

// Setup makes namespace and search attributes where they are missing, and waits
// until the frontend knows them; made says that an attribute was. It may be run any
// number of times, by many workers at once. Where it is not permitted, its error
// holds the commands that somebody else has to run.
func Setup(ctx context.Context, c client.Client, namespace string, retention time.Duration, want map[string]enumspb.IndexedValueType) (made bool, err error) {
	if err := makeNamespace(ctx, c, namespace, retention); err != nil {
		return false, err
	}
	missing, err := Missing(ctx, c, namespace, want)
	if err != nil || len(missing) == 0 {
		return false, err
	}
	_, err = c.OperatorService().AddSearchAttributes(ctx, &operatorservice.AddSearchAttributesRequest{SearchAttributes: missing, Namespace: namespace})
	var exists *serviceerror.AlreadyExists
	if err != nil && !errors.As(err, &exists) {
		return false, fmt.Errorf("make search attributes: %w\nLet somebody who may do it run:\n%s", err, Commands(namespace, missing))
	}
	return true, awaitAttributes(ctx, c, namespace, want)
}

func makeNamespace(ctx context.Context, c client.Client, namespace string, retention time.Duration) error {
	_, err := c.WorkflowService().DescribeNamespace(ctx, &workflowservice.DescribeNamespaceRequest{Namespace: namespace})
	var absent *serviceerror.NamespaceNotFound
	if err == nil {
		return nil
	}
	if !errors.As(err, &absent) {
		return fmt.Errorf("look at namespace %s: %w", namespace, err)
	}
	_, err = c.WorkflowService().RegisterNamespace(ctx, &workflowservice.RegisterNamespaceRequest{
		Namespace:                        namespace,
		Description:                      "Key account management process",
		WorkflowExecutionRetentionPeriod: durationpb.New(retention),
	})
	var exists *serviceerror.NamespaceAlreadyExists
	if err != nil && !errors.As(err, &exists) {
		hours := int(retention / time.Hour)
		return fmt.Errorf("make namespace: %w\nLet somebody who may do it run:\n  temporal operator namespace create --namespace %s --retention %dh", err, namespace, hours)
	}
	return untilUsable(ctx, func() error {
		_, err := c.WorkflowService().DescribeNamespace(ctx, &workflowservice.DescribeNamespaceRequest{Namespace: namespace})
		return err
	})
}

// Missing lists the search attributes that the namespace lacks. One
// that exists with another type is an error: nobody may change it silently.
func Missing(ctx context.Context, c client.Client, namespace string, want map[string]enumspb.IndexedValueType) (map[string]enumspb.IndexedValueType, error) {
	var have map[string]enumspb.IndexedValueType
	err := untilUsable(ctx, func() error {
		list, err := c.OperatorService().ListSearchAttributes(ctx, &operatorservice.ListSearchAttributesRequest{Namespace: namespace})
		have = list.GetCustomAttributes()
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("list search attributes of %s: %w", namespace, err)
	}
	return missingOf(have, want)
}

func missingOf(have, wanted map[string]enumspb.IndexedValueType) (map[string]enumspb.IndexedValueType, error) {
	missing := map[string]enumspb.IndexedValueType{}
	for name, want := range wanted {
		got, ok := have[name]
		switch {
		case !ok:
			missing[name] = want
		case got != want:
			return nil, fmt.Errorf("search attribute %s exists as %v and must be %v; use another namespace", name, got, want)
		}
	}
	return missing, nil
}

// Commands lists the commands of Temporal's own tool that add them.
func Commands(namespace string, missing map[string]enumspb.IndexedValueType) string {
	var b strings.Builder
	for _, name := range slices.Sorted(maps.Keys(missing)) {
		fmt.Fprintf(&b, "  temporal operator search-attribute create --namespace %s --name %s --type %v\n", namespace, name, missing[name])
	}
	return strings.TrimRight(b.String(), "\n")
}

// awaitAttributes asks for all of them until visibility understands: a new
// one is not known everywhere at once, and a case that sets it too early would
// be stuck.
func awaitAttributes(ctx context.Context, c client.Client, namespace string, want map[string]enumspb.IndexedValueType) error {
	var conditions []string
	for _, name := range slices.Sorted(maps.Keys(want)) {
		conditions = append(conditions, name+" IS NULL")
	}
	err := untilUsable(ctx, func() error {
		_, err := c.CountWorkflow(ctx, &workflowservice.CountWorkflowExecutionsRequest{Namespace: namespace, Query: strings.Join(conditions, " AND ")})
		return err
	})
	if err != nil {
		return fmt.Errorf("wait for search attributes of %s: %w", namespace, err)
	}
	return nil
}

// settle is how long a new namespace or attribute may take to be known.
const settle = 30 * time.Second

func untilUsable(ctx context.Context, ask func() error) error {
	ctx, cancel := context.WithTimeout(ctx, settle)
	defer cancel()
	for {
		err := ask()
		var denied *serviceerror.PermissionDenied
		if err == nil || errors.As(err, &denied) {
			return err
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(200 * time.Millisecond):
		}
	}
}
