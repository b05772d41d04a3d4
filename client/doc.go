// Package client is how people's programs reach a case: one typed client over
// PostgreSQL, which is the record, and Temporal, which runs the case. Starter,
// console and tests use it.
//
// Everything that is read comes from PostgreSQL. Everything that a person does
// goes to the workflow as an update, and the answer is the committed state. An
// act carries a decision id made here, so that sending it again, after a lost
// answer or in another process, is the same act.
package client
