// Package service is what can be done with kamflow: every use case is a method
// of [Service] that takes the [Principal] who asks. Starter, importer, demo and
// tests reach the system through it and through nothing else.
//
// It asks whether somebody may, for reads and lists as for loads. An act that
// leaves a decision is asked about where the decision is stored, in the same
// transaction and by the same function, access.Permit: there a refusal is on record
// as well.
//
// [Local] is the service in this process. Everything that is read comes from
// PostgreSQL, which is the record. Everything that a person does to a case or a
// batch goes to the workflow as an update, and the answer is the committed
// state. An act carries a decision id made here, so that sending it again, after
// a lost answer or in another process, is the same act.
package service
