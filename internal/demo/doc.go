// Package demo walks the sample cases through the process: it loads the
// sample organisation with its customers and sales, starts the requests, takes
// the decisions that the script files give to each person, and tells what came
// of it. People are played through the same service that people use; nothing is
// written past it.
//
// It may be run again on the same data: what has been started or decided stays
// as it is, and the rest goes on.
package demo
