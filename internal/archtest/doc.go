// Package archtest holds the tests that keep the shape of the tree: which
// package may import which, that the process has no clock and no I/O, and that
// packages and the process say what they are.
package archtest
