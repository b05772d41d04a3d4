// Package bench measures what the engine costs on a running standalone, as a
// ratio to a bare workflow of Temporal that waits for the same two inputs of
// people and does nothing else. Both are measured in the same run, a round of
// the one beside a round of the other, because machines differ by more than the
// engine may; the ratio travels.
//
// Processor time is told apart by process: the program (Temporal's server and
// our worker in one), PostgreSQL (by the database that a backend serves) and
// the driver, which is the process that calls [Run]. Statements and WAL come
// from pg_stat_statements, by database. What all of that does when nobody asks
// for anything is measured in each round and taken off.
package bench
