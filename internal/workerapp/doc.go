// Package workerapp is the worker: workflows and activities, and beside them
// the loops that carry messages out of the outbox and keep cases in step with
// PostgreSQL. The command worker runs one, standalone runs one in its process.
package workerapp
