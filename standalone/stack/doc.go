// Package stack starts what kamflow stands on, all on this machine: a
// PostgreSQL server, a Temporal server that keeps its data there, and
// Temporal's Web UI.
//
// Everything lies in one data directory. Starting again on it goes on where
// the last run ended, however that ended.
package stack
