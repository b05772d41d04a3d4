// Package store keeps cases, customers and the audit trail in PostgreSQL.
//
// What changes a case is an effect: one transaction under a business key that
// writes the new snapshot, the audit rows, tasks, messages and the answer.
// The same key again gets the same answer; a late attempt of the engine finds
// the case ahead and does nothing. See [Store.Effect].
//
// Personal data of contacts stand in a table of their own that can be erased;
// audit rows refer to data by digest only.
package store
