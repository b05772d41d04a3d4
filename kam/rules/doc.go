// Package rules holds the pure decisions of the process: whether to add,
// segmentation, validation, duplicates, key accounts and the roll-up (P3).
//
// A policy and facts go in, a record that explains itself comes out. There is
// no clock and no I/O, arithmetic is exact and rounded once at the end, and
// the same facts give the same bytes in whatever order they come. Amounts
// inside a rule are whole units of the policy's base currency.
package rules
