// Package option stands in for the options of Google's clients, none of which
// this build carries.
package option

// WithTokenSource is handed to a client that cannot be made.
func WithTokenSource(any) any { return nil }
