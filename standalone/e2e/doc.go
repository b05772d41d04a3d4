// Package e2e tests the whole product from the outside: a real PostgreSQL, the
// real Temporal server, a worker, and the client that people's programs use.
// It has no code but tests.
package e2e
