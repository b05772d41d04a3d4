// Package faults tests what is left of the process when its parts die, when
// workers of another version take over, and when a case outgrows its history.
// It holds tests only.
//
// PostgreSQL, Temporal and the worker run as processes of their own, and are
// killed while cases are on their way: the worker at its fail points, which
// this package builds in. What clients were told is then compared with what is
// stored. KAM_FAULT_ROUNDS strikes at each point that many times, and
// KAM_FAULT_SEED repeats the choices of an earlier run. KAM_ROLLING_CASES cases
// are taken to another version and back.
package faults
