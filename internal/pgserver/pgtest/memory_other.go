//go:build !linux

package pgtest

// place is where directories of servers are made: that of temporary files.
func place() string { return "" }
