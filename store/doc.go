// Package store opens the database and its rooms. Each room is a package with a
// Store, what can be done in it, and a Tx, the inside of one of its effects:
//
//	access       people, posts, territories, absences, proposals, policies
//	onboarding   cases
//	customer     customers; below it merge and erase
//	book         imports of customer books
//
// All stand on the [ledger]. A room may know those before it, as the test of
// imports says, and none judges who may: whoever runs a transaction says so.
//
// Personal data of contacts stand in a table of their own that can be erased;
// audit rows refer to data by digest only.
package store
