// Package hostile sends the product what no honest client would: payloads that
// cannot be read, messages that are too large, floods, and every start twice.
// Temporal, PostgreSQL and the worker are the real ones; the worker runs in a
// process of its own, so that a test sees whether it lives and what memory it
// takes.
package hostile
