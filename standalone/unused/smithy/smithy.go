// Package smithy stands in for the errors of Amazon's services, which this
// build never asks.
package smithy

// An APIError is one that a service answered.
type APIError interface {
	error
	ErrorCode() string
}
