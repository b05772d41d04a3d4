// Package acceptance holds the scenarios AC01 and following of the process
// (P8) as tests: the real workflow with skipped time, the real activities, and
// a real PostgreSQL. It has no code but tests.
package acceptance
