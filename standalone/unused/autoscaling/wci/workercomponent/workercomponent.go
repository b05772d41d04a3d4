// Package workercomponent stands in for the workflows that scale serverless
// workers, which this build does not carry: see package client beside it.
package workercomponent

import "go.uber.org/fx"

// Module adds nothing to Temporal's own workers.
var Module = fx.Options()
